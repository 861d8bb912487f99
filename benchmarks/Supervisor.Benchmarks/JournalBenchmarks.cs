using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace Supervisor.Benchmarks;

/// <summary>The SQLite journal as the daemon uses it: what is acknowledged is on the disk.</summary>
internal static class JournalBenchmarks
{
    private const int One = 400, Async = 20_000, Many = 50, EachOfMany = 100, Replayed = 20_000;

    public static IEnumerable<Benchmark> All(string directory) =>
    [
        new("persist", "events/s", () => With(directory, (system, _) => Write(system, actors: 1, each: One, wait: true))),
        new("persist-async", "events/s", () => With(directory, (system, _) => Write(system, actors: 1, each: Async, wait: false))),
        new("persist-50-actors", "events/s", () => With(directory, (system, _) => Write(system, Many, EachOfMany, wait: true))),
        new("recovery", "events/s", () => With(directory, Recover)),
    ];

    private sealed record Add(bool Wait, int Count);
    private sealed record Report;

    /// <summary>Writes 100 bytes for every command and counts what it has written or replayed.</summary>
    private sealed class Ledger(string id) : UntypedPersistentActor
    {
        private static readonly byte[] Event = new byte[100];
        private int _written, _wanted;
        private IActorRef? _asker;

        public override string PersistenceId => id;

        protected override void OnRecover(object message)
        {
            if (message is byte[]) _written++;
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
                    for (var i = 0; i < add.Count; i++) PersistAsync(Event, Written);
                    Expect(add.Count);
                    break;
                case "one":
                    Persist(Event, Written);
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

        private void Written(byte[] _)
        {
            if (++_written == _wanted) _asker!.Tell(_written);
        }
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

    private static ActorSystem Start(string directory) => ActorSystem.Create("bench", ConfigurationFactory.ParseString($$"""
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }
        akka.persistence.journal {
          plugin = "akka.persistence.journal.sqlite"
          sqlite {
            class = "Akka.Persistence.Sqlite.Journal.BatchingSqliteJournal, Akka.Persistence.Sqlite"
            connection-string = "Data Source={{directory}}/journal.db"
            table-name = event_journal
            metadata-table-name = journal_metadata
            auto-initialize = on
          }
        }
        """));

    private static async Task<double> Write(ActorSystem system, int actors, int each, bool wait)
    {
        var ledgers = Enumerable.Range(0, actors).Select(i => system.ActorOf(Props.Create(() => new Ledger($"ledger-{i}")))).ToList();
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
            var found = await again.ActorOf(Props.Create(() => new Ledger("ledger-0"))).Ask<int>(new Report(), TimeSpan.FromSeconds(25));
            if (found != Replayed) throw new InvalidOperationException($"wrote {Replayed} events, found {found} after the restart");
        });
        await again.Terminate();
        return rate;
    }
}
