using System.Threading.Channels;
using Akka.Actor;
using Akka.Configuration;

namespace Supervisor.Tests.Persistence;

/// <summary>
/// An actor system with a journal and a snapshot store, in memory or in a directory of its own, that can be "crashed" and
/// restarted.
/// </summary>
internal sealed class PersistentSystem : IAsyncDisposable
{
    private readonly string _extra;
    private readonly bool _ownDirectory;

    private PersistentSystem(string? directory, string extra, string? journalFile)
    {
        _extra = extra;
        _ownDirectory = directory is null;
        DirectoryPath = directory ?? Directory.CreateTempSubdirectory("journal-").FullName;
        File = journalFile ?? Path.Combine(DirectoryPath, "journal.db");
        System = Start();
    }

    public ActorSystem System { get; private set; }
    public string DirectoryPath { get; }
    public string File { get; }

    public static PersistentSystem InMemory(string extra = "") => new(null, $$"""
        akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        {{extra}}
        """, null);

    /// <param name="connection">Added to the connection string.</param>
    public static PersistentSystem OnDisk(
        string extra = "", string? file = null, string connection = "", string? directory = null)
    {
        var path = file ?? "FILE";
        return new(directory, $$"""
            akka.persistence.journal {
              plugin = "akka.persistence.journal.sqlite"
              sqlite {
                class = "Supervisor.Persistence.Sqlite.Journal.SqliteJournal, Supervisor.Persistence.Sqlite"
                connection-string = "Data Source={{path}};{{connection}}"
                auto-initialize = on
              }
            }
            akka.persistence.snapshot-store {
              plugin = "akka.persistence.snapshot-store.sqlite"
              sqlite {
                class = "Supervisor.Persistence.Sqlite.Snapshot.SqliteSnapshotStore, Supervisor.Persistence.Sqlite"
                connection-string = "Data Source={{path}};{{connection}}"
                auto-initialize = on
              }
            }
            {{extra}}
            """, file);
    }

    public IActorRef Start<T>(params object[] arguments) where T : ActorBase => System.ActorOf(Props.Create<T>(arguments));

    public async Task RestartAsync()
    {
        await StopAsync();
        System = Start();
    }

    public async Task StopAsync() => await System.Terminate().WaitAsync(Probe.Soon);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownDirectory) Directory.Delete(DirectoryPath, recursive: true);
    }

    private ActorSystem Start()
    {
        var system = ActorSystem.Create("persistent", ConfigurationFactory.ParseString(
            "akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }\n"
                + _extra.Replace("FILE", File, StringComparison.Ordinal)));
        SchedulerTests.Use(system);
        return system;
    }
}

/// <summary>Records what actors under test report, in order.</summary>
internal sealed class Probe
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Channel<object> _seen = Channel.CreateUnbounded<object>();

    public void Add(object what) => _seen.Writer.TryWrite(what);

    public async Task<object> Next()
    {
        using var deadline = new CancellationTokenSource(Soon);
        return await _seen.Reader.ReadAsync(deadline.Token);
    }

    public async Task<T> Next<T>() => Assert.IsType<T>(await Next());

    public async Task<object[]> Next(int count)
    {
        var all = new object[count];
        for (var i = 0; i < count; i++) all[i] = await Next();
        return all;
    }

    public async Task Expect(params object[] expected) => Assert.Equal(expected, await Next(expected.Length));

    public void ExpectNothingMore() => Assert.False(_seen.Reader.TryPeek(out var more), $"unexpected: {more}");
}
