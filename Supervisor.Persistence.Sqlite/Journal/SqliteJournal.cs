using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
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
    /// <summary>Events per read: a longer read would delay commits.</summary>
    private const int Slice = 500;

    private readonly StoreAccess _store;
    private readonly JournalTable _table;
    private readonly Payloads _payloads;
    private readonly DeferredWrites _deferred;

    /// <param name="config">The plugin's section.</param>
    public SqliteJournal(Config config)
    {
        config = config.WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        var settings = new StoreSettings(Self.Path.Name, config);
        _payloads = new Payloads((ExtendedActorSystem)Context.System);
        var bounds = HistoryBounds.From(config.GetConfig("history"), settings);
        var bootId = BootEpoch.Current(config.GetString("boot-id"));
        var events = Context.System.EventStream;
        _deferred = new DeferredWrites((id, cause) => events.Publish(new DeferredWriteFailed(id, cause)));
        var (witness, log) = (config.GetString("witness"), Context.GetLogger());
        (_store, _table) = SqlitePersistence.Get(Context.System).Acquire(
            settings, () => new JournalTable(settings, bounds, bootId, witness, message => log.Warning("{0}", message)));
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        if (_store.Thread is not { } thread) return;
        var (events, file) = (Context.System.EventStream, _store.File);
        thread.SpaceChanged += isLow => events.Publish(new StoreSpaceLow(file, isLow));
    }

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
            case TaggedEvents.Find find:
                FindAsync(find).PipeTo(Sender, failure: e => new TaggedEvents.Failed(e));
                return true;
            case TaggedEvents.Subscribe:
                Context.Watch(Sender);
                _ = OnStream("subscribing to tagged events", Sender, _table.Stream.Join);
                return true;
            case Terminated ended:
                // On the same path, so that it cannot overtake the subscription.
                _ = OnStream("ending a subscription to tagged events", ended.ActorRef, _table.Stream.Leave);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>?> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var now = DateTime.UtcNow.Ticks;
        var rows = new List<NewRow>();
        var rejections = new List<Exception?>();
        var durability = Durability.Deferred;
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
            if (durability is Durability.Deferred) _deferred.Add(rows, () => Write(rows, durability, CancellationToken.None));
            else await Write(rows, durability, cancellationToken).ConfigureAwait(false);
        }
        return rejections.Exists(r => r is not null) ? [.. rejections!] : null;
    }

    private Task<int> Write(List<NewRow> rows, Durability durability, CancellationToken cancellation) => _store.Do(
        () => $"writing {rows.Count} events of \"{rows[0].PersistenceId}\"", durability, connection =>
        {
            _table.Append(connection, rows);
            return 0;
        }, cancellation);

    /// <summary>A read of this actor's events: in a group with its own deferred ones.</summary>
    private Durability ReadOf(string persistenceId) =>
        _deferred.Include(persistenceId) ? Durability.Unsynced : Durability.Read;

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) => _store.Do(
        () => $"reading the highest sequence number of \"{persistenceId}\"", ReadOf(persistenceId),
        connection => _table.Highest(connection, persistenceId), cancellationToken);

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        if (max <= 0) return;
        for (var next = Read(fromSequenceNr, max); next is not null;)
        {
            var rows = await next.ConfigureAwait(false);
            max -= rows.Count;
            // The next slice is read while this one is deserialized.
            next = rows.Count == Slice && max > 0 ? Read(rows[^1].SequenceNr + 1, max) : null;
            foreach (var row in rows) recoveryCallback(FromRow(row));
        }

        Task<List<StoredRow>> Read(long from, long most) =>
            _store.Do(() => $"reading events of \"{persistenceId}\"", ReadOf(persistenceId),
            connection => _table.Replay(connection, persistenceId, from, toSequenceNr, Math.Min(most, Slice)),
                CancellationToken.None);
    }

    /// <summary>Deferred: an actor that finds its old events again deletes them again.</summary>
    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        _store.Do(
        () => $"deleting events of \"{persistenceId}\"", Durability.Deferred, connection =>
        {
            _table.Delete(connection, persistenceId, toSequenceNr);
            return 0;
        }, cancellationToken);

    private async Task<TaggedEvents> ReadAsync(TaggedEvents.Read read)
    {
        var max = Math.Clamp(read.Max, 1, Slice);
        var (rows, bounds) = await _store.Do(() => $"reading events tagged \"{read.Tag}\"", Durability.Read,
            connection => (_table.Stream.Read(connection, read with { Max = max }), _table.Bounds), CancellationToken.None)
                .ConfigureAwait(false);
        return new TaggedEvents.Page([.. rows.SelectMany(FromStream)], bounds);
    }

    private async Task<TaggedEvents> FindAsync(TaggedEvents.Find find) => new TaggedEvents.Place(
        await _store.Do(() => "looking for a time in the tagged events", Durability.Read,
            _ => _table.Stream.Find(find.Time), CancellationToken.None).ConfigureAwait(false));

    private async Task OnStream(string doing, IActorRef subscriber, Action<IActorRef> change)
    {
        try
        {
            await _store.Do(() => doing, Durability.Read, _ =>
            {
                change(subscriber);
                return 0;
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            subscriber.Tell(new TaggedEvents.Failed(e), ActorRefs.NoSender);
        }
    }

    private NewRow ToRow(IPersistentRepresentation e, long now, ref Durability durability)
    {
        var (payload, tags) = e.Payload is Tagged tagged ? (tagged.Payload, ToColumn(tagged.Tags)) : (e.Payload, null);
        var (bytes, manifest, serializer) = _payloads.Pack(payload);
        // The column holds one manifest: first choice is the serializer's, needed to read the payload, then an event adapter's.
        if (manifest.Length == 0) manifest = e.Manifest ?? "";
        var timestamp = e.Timestamp > 0 ? e.Timestamp : now;
        var needed = payload switch
        {
            IDeferredEvent => Durability.Deferred,
            IUnsyncedEvent => Durability.Unsynced,
            _ => Durability.Synced,
        };
        if (needed > durability) durability = needed;
        object[] events = tags is null
            ? []
            : [.. AdaptFromJournal(AsRead(payload, e.SequenceNr, e.PersistenceId, manifest, timestamp)).Select(a => a.Payload)];
        return new NewRow(e.PersistenceId, e.SequenceNr, timestamp, manifest, bytes, tags, serializer, events);
    }

    private static string? ToColumn(IImmutableSet<string> tags)
    {
        if (tags.Count == 0) return null;
        if (tags.FirstOrDefault(t => t.Length == 0 || t.Contains(';', StringComparison.Ordinal)) is { } tag)
            throw new ArgumentException($"\"{tag}\" cannot be a tag: it must not be empty or contain ';', which separates tags");
        return $";{string.Join(';', tags)};";
    }

    private Persistent FromRow(StoredRow row) => AsRead(
        _payloads.Unpack(row.Payload, row.Manifest, row.Serializer), row.SequenceNr, row.PersistenceId, row.Manifest,
            row.Timestamp);

    private static Persistent AsRead(object payload, long sequenceNr, string persistenceId, string manifest, long timestamp) =>
        new(
        payload, sequenceNr, persistenceId, manifest, isDeleted: false, ActorRefs.NoSender, writerGuid: null, timestamp);

    private IEnumerable<TaggedEvent> FromStream(StoredRow row) => AdaptFromJournal(FromRow(row)).Select(e => new TaggedEvent(
        row.Offset, row.Previous, row.PersistenceId, row.SequenceNr, new DateTime(row.Timestamp, DateTimeKind.Utc), e.Payload));
}
