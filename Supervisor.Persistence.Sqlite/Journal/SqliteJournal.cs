using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// Events in an SQLite database. The writes of all actors are committed in groups, in one order; an event is on disk when it is
/// acknowledged, unless its type is an <see cref="IUnsyncedEvent"/>. The stream of tagged events: <see cref="TaggedEvents"/>.
/// </summary>
public sealed class SqliteJournal : AsyncWriteJournal
{
    /// <summary>Events that are read at once: a longer read would hold up commits.</summary>
    private const int Slice = 500;

    private readonly StoreThread _store;
    private readonly JournalTable _table;
    private readonly Payloads _payloads;

    /// <param name="config">The plugin's section.</param>
    public SqliteJournal(Config config)
    {
        config = config.WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        var settings = new StoreSettings(Self.Path.Name, config);
        _payloads = new Payloads((ExtendedActorSystem)Context.System);
        _table = new JournalTable(settings, HistoryBounds.From(config.GetConfig("history")), BootEpoch.Current(config.GetString("boot-id", "")));
        _store = SqlitePersistence.Get(Context.System).Acquire(settings);
        _store.Attach(_table);
    }

    /// <summary>For tests and benchmarks.</summary>
    internal StoreThread Store => _store;

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _store.Dispose();
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override bool ReceivePluginInternal(object message)
    {
        switch (message)
        {
            case TaggedEvents.Read read:
                ReadAsync(read).PipeTo(Sender, failure: e => new TaggedEvents.Failed(e));
                return true;
            case TaggedEvents.Subscribe:
                Context.Watch(Sender);
                SubscribeAsync(Sender).PipeTo(Sender, failure: e => new TaggedEvents.Failed(e));
                return true;
            case Terminated ended:
                _table.Stream.Unsubscribe(ended.ActorRef);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var now = DateTime.UtcNow.Ticks;
        var rows = new List<NewRow>();
        var rejections = new List<Exception?>();
        var durability = Durability.Unsynced;
        foreach (var write in messages)
        {
            var before = rows.Count;
            try
            {
                foreach (var e in (IEnumerable<IPersistentRepresentation>)write.Payload) rows.Add(ToRow(e, now, ref durability));
                rejections.Add(null);
            }
            catch (Exception e)
            {
                // An event that cannot be serialized is the actor's mistake, not the journal's failure.
                rows.RemoveRange(before, rows.Count - before);
                rejections.Add(e);
            }
        }
        if (rows.Count > 0)
        {
            await _store.Do(() => $"writing {rows.Count} events of \"{rows[0].PersistenceId}\"", durability, connection =>
            {
                _table.Append(connection, rows);
                return 0;
            }, cancellationToken).ConfigureAwait(false);
        }
        return rejections.Exists(r => r is not null) ? [.. rejections!] : null;
    }

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) => _store.Do(
        () => $"reading the highest sequence number of \"{persistenceId}\"", Durability.Read,
        connection => _table.Highest(connection, persistenceId), cancellationToken);

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        while (max > 0)
        {
            var (from, count) = (fromSequenceNr, Math.Min(max, Slice));
            var rows = await _store.Do(() => $"reading events of \"{persistenceId}\"", Durability.Read,
                connection => _table.Replay(connection, persistenceId, from, toSequenceNr, count), CancellationToken.None).ConfigureAwait(false);
            foreach (var row in rows) recoveryCallback(FromRow(row));
            if (rows.Count < count) return;
            (fromSequenceNr, max) = (rows[^1].SequenceNr + 1, max - rows.Count);
        }
    }

    /// <inheritdoc/>
    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) => _store.Do(
        () => $"deleting events of \"{persistenceId}\"", Durability.Unsynced, connection =>
        {
            _table.Delete(connection, persistenceId, toSequenceNr);
            return 0;
        }, cancellationToken);

    private async Task<TaggedEvents> ReadAsync(TaggedEvents.Read read)
    {
        var max = Math.Clamp(read.Max, 1, Slice);
        var (rows, bounds) = await _store.Do(() => $"reading events tagged \"{read.Tag}\"", Durability.Read,
            connection => (_table.Stream.Read(connection, read with { Max = max }), _table.Bounds), CancellationToken.None).ConfigureAwait(false);
        return new TaggedEvents.Page([.. rows.SelectMany(FromStream)], bounds);
    }

    private async Task<TaggedEvents> SubscribeAsync(IActorRef subscriber)
    {
        // On the store's thread, so that the bounds and the first commit to come fit together.
        var bounds = await _store.Do(() => "subscribing to tagged events", Durability.Read, _ =>
        {
            _table.Stream.Subscribe(subscriber);
            return _table.Bounds;
        }, CancellationToken.None).ConfigureAwait(false);
        return new TaggedEvents.Subscribed(bounds);
    }

    private NewRow ToRow(IPersistentRepresentation e, long now, ref Durability durability)
    {
        var (payload, tags) = e.Payload is Tagged tagged
            ? (tagged.Payload, tagged.Tags.Count == 0 ? null : $";{string.Join(';', tagged.Tags)};") : (e.Payload, null);
        var (bytes, manifest, serializer) = _payloads.Pack(payload);
        if (payload is not IUnsyncedEvent) durability = Durability.Synced;
        return new NewRow(
            e.PersistenceId, e.SequenceNr, e.Timestamp > 0 ? e.Timestamp : now, string.IsNullOrEmpty(e.Manifest) ? manifest : e.Manifest,
            bytes, tags, serializer, payload);
    }

    private Persistent FromRow(StoredRow row) => new(
        _payloads.Unpack(row.Payload, row.Manifest, row.Serializer), row.SequenceNr, row.PersistenceId, row.Manifest, isDeleted: false,
        ActorRefs.NoSender, writerGuid: null, row.Timestamp);

    private IEnumerable<TaggedEvent> FromStream(StoredRow row) => AdaptFromJournal(FromRow(row)).Select(e => new TaggedEvent(
        row.Offset, row.Previous, row.PersistenceId, row.SequenceNr, new DateTime(row.Timestamp, DateTimeKind.Utc), e.Payload));
}
