using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Serialization;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Benchmarks;

/// <summary>The SQLite journal as the daemon uses it: acknowledged events are on disk, except those that need no sync.</summary>
internal static class JournalBenchmarks
{
    private const int One = 400, Async = 20_000, Many = 50, EachOfMany = 1000, Replayed = 20_000, Syncs = 300;

    public static IEnumerable<Benchmark> All(string directory) =>
    [
        new("disk-sync", "syncs/s", () => Sync(directory)),
        new("persist", "events/s", () => With(directory, (system, _) => Write(system, actors: 1, One, wait: true))),
        new("persist-unsynced", "events/s", () =>
            With(directory, (system, _) => Write(system, actors: 1, One, wait: true, isSynced: false))),
        new("persist-async", "events/s", () => With(directory, (system, _) => Write(system, actors: 1, Async, wait: false))),
        new("persist-50-actors", "events/s", () => With(directory, (system, _) => Write(system, Many, EachOfMany, wait: true))),
        new("persist-50-actors-unsynced", "events/s", () => With(directory, (system, _) =>
            Write(system, Many, EachOfMany, wait: true, isSynced: false))),
        new("recovery", "events/s", () => With(directory, Recover)),
    ];

    private sealed record Add(bool Wait, int Count);
    private sealed record Report;

    /// <summary>An event that is committed without a sync.</summary>
    private sealed class Unsynced : IUnsyncedEvent;

    /// <summary>Both kinds of events take 100 bytes.</summary>
    private sealed class EventSerializer(ExtendedActorSystem system) : Serializer(system)
    {
        private static readonly byte[] Bytes = new byte[100];
        public override int Identifier => 700;
        public override bool IncludeManifest => false;
        public override byte[] ToBinary(object obj) => Bytes;
        public override object FromBinary(byte[] bytes, Type? type) => new Unsynced();
    }

    /// <summary>Writes 100 bytes for every command and counts the events written or replayed.</summary>
    private sealed class Ledger(string id, bool isSynced) : UntypedPersistentActor
    {
        private readonly object _event = isSynced ? new byte[100] : new Unsynced();
        private int _written, _wanted;
        private IActorRef? _asker;

        public override string PersistenceId => id;

        protected override void OnRecover(object message)
        {
            if (message is byte[] or Unsynced) _written++;
        }

        protected override void OnCommand(object message)
        {
            switch (message)
            {
                case Add { Wait: true } add:
                    for (var i = 0; i < add.Count; i++) Self.Forward("one");
                    Expect(add.Count);
                    break;
                case Add add:
                    for (var i = 0; i < add.Count; i++) PersistAsync(_event, Written);
                    Expect(add.Count);
                    break;
                case "one":
                    Persist(_event, Written);
                    break;
                case Report:
                    Sender.Tell(_written);
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }

        private void Expect(int count)
        {
            _asker = Sender;
            _wanted = _written + count;
        }

        private void Written(object _)
        {
            if (++_written == _wanted) _asker!.Tell(_written);
        }
    }

    /// <summary>The lower bound of every durable write: an append of a commit's size and its fdatasync(2), without a
    /// database.</summary>
    private static async Task<double> Sync(string directory)
    {
        var path = Path.Combine(directory, $"sync-{Guid.NewGuid():N}");
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, options: FileOptions.DeleteOnClose);
        return await Benchmark.Rate(Syncs, () => Task.Run(() =>
        {
            for (var i = 0; i < Syncs; i++)
            {
                RandomAccess.Write(file, new byte[8192], i * 8192L);
                RandomAccess.FlushToDisk(file);
            }
        }));
    }

    private static async Task<double> With(string directory, Func<ActorSystem, string, Task<double>> work)
    {
        var own = Directory.CreateDirectory(Path.Combine(directory, $"bench-{Guid.NewGuid():N}")).FullName;
        using var system = Start(own);
        try
        {
            return await work(system, own);
        }
        finally
        {
            await system.Terminate();
            Directory.Delete(own, recursive: true);
        }
    }

    private static ActorSystem Start(string directory)
    {
        var system = ActorSystem.Create("bench", Configured(directory));
        // Fifty actors recovering at once would hold all threads that the scheduler's first use needs.
        system.Scheduler.Advanced.ScheduleOnce(TimeSpan.Zero, () => { });
        return system;
    }

    private static Config Configured(string directory) => ConfigurationFactory.ParseString($$"""
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }
        akka.actor {
          serializers.unsynced = "{{typeof(EventSerializer).AssemblyQualifiedName}}"
          serialization-bindings { "{{typeof(Unsynced).AssemblyQualifiedName}}" = unsynced }
        }
        akka.persistence.journal {
          plugin = "akka.persistence.journal.sqlite"
          sqlite {
            class = "Supervisor.Persistence.Sqlite.Journal.SqliteJournal, Supervisor.Persistence.Sqlite"
            connection-string = "Data Source={{directory}}/journal.db"
            auto-initialize = on
          }
        }
        """).WithFallback(SqlitePersistence.DefaultConfig);

    private static async Task<double> Write(ActorSystem system, int actors, int each, bool wait, bool isSynced = true)
    {
        var ledgers = Enumerable.Range(0, actors)
            .Select(i => system.ActorOf(Props.Create(() => new Ledger($"ledger-{i}", isSynced)))).ToList();
        await Task.WhenAll(ledgers.Select(l => l.Ask<int>(new Report(), TimeSpan.FromSeconds(5))));
        return await Benchmark.Rate(actors * each, () =>
            Task.WhenAll(ledgers.Select(l => l.Ask<int>(new Add(wait, each), TimeSpan.FromSeconds(25)))));
    }

    private static async Task<double> Recover(ActorSystem system, string directory)
    {
        await Write(system, actors: 1, each: Replayed, wait: false);
        await system.Terminate();
        using var again = Start(directory);
        var rate = await Benchmark.Rate(Replayed, async () =>
        {
            var found = await again.ActorOf(Props.Create(() => new Ledger("ledger-0", true))).Ask<int>(
                new Report(), TimeSpan.FromSeconds(25));
            if (found != Replayed)
                throw new InvalidOperationException($"wrote {Replayed} events, found {found} after the restart");
        });
        await again.Terminate();
        return rate;
    }
}
