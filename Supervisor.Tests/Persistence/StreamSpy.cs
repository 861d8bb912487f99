using System.Collections.Immutable;
using Akka.Actor;
using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Tests.Persistence;

/// <summary>An event that is committed without a sync.</summary>
internal sealed record Fast(string Text) : IUnsyncedEvent;

/// <summary>An event that is on disk when it is acknowledged.</summary>
internal sealed record Safe(string Text);

/// <summary>A commit with tagged events.</summary>
/// <param name="LogLength">Length of the write-ahead log right after it.</param>
internal sealed record SpiedCommit(long LogLength, bool IsSynced, ImmutableArray<TaggedEvent> Events);

/// <summary>
/// A subscriber of the stream that is called on the store's thread: it sees the file as it is between a commit and its answers.
/// It uses the store like a plugin, so that it must be disposed before its actor system stops.
/// </summary>
internal sealed class StreamSpy : MinimalActorRef, IDisposable
{
    private readonly StoreAccess _access;
    private readonly string _log;
    private readonly List<SpiedCommit> _commits = [];
    private readonly TaskCompletionSource<StreamBounds> _subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _synced;

    private StreamSpy(ActorSystem system, string file)
    {
        _log = file + "-wal";
        Provider = ((ExtendedActorSystem)system).Provider;
        Path = new RootActorPath(Address.AllSystems) / "spy";
        var config = system.Settings.Config.GetConfig(SqlitePersistence.JournalConfigPath)
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        (_access, _) = SqlitePersistence.Get(system).Acquire<JournalTable>(
            new StoreSettings("spy", config), () => throw new InvalidOperationException("start the journal first"));
    }

    public override IActorRefProvider Provider { get; }
    public override ActorPath Path { get; }

    /// <summary>Commits so far. After the acknowledgement of an event, its commit is among them.</summary>
    public IReadOnlyList<SpiedCommit> Commits
    {
        get
        {
            lock (_commits) return [.. _commits];
        }
    }

    public IReadOnlyList<TaggedEvent> Events => [.. Commits.SelectMany(c => c.Events)];

    public StoreThread Store => _access.Thread!;

    public static async Task<StreamSpy> OnAsync(PersistentSystem system)
    {
        // Its answer comes when the journal has started.
        await TaggedStream.ReadAsync(system.System);
        var spy = new StreamSpy(system.System, system.File);
        spy._synced = spy.Store.Commits.Synced;
        TaggedStream.Journal(system.System).Tell(TaggedEvents.Subscribe.Instance, spy);
        await spy._subscribed.Task.WaitAsync(Probe.Soon);
        return spy;
    }

    public void Dispose() => _access.Dispose();

    protected override void TellInternal(object message, IActorRef sender)
    {
        switch (message)
        {
            case TaggedEvents.Subscribed subscribed:
                _subscribed.TrySetResult(subscribed.Bounds);
                break;
            case TaggedEvents.Failed failed:
                _subscribed.TrySetException(failed.Cause);
                break;
            case TaggedEvents.Committed committed:
                var synced = Store.Commits.Synced;
                lock (_commits) _commits.Add(new SpiedCommit(new FileInfo(_log).Length, synced > _synced, committed.Events));
                _synced = synced;
                break;
        }
    }
}
