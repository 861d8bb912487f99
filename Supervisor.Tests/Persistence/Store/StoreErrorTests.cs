using Akka.Actor;
using Akka.Persistence;
using Supervisor.Persistence.Sqlite;
using static Supervisor.Tests.Persistence.Database;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>A file that cannot be used: the errors of our plugins say what to do, and nothing else is affected.</summary>
public sealed class StoreErrorTests
{
    private readonly Probe _probe = new();

    [Fact]
    public async Task A_damaged_file_is_named_with_what_to_do()
    {
        await using var system = PersistentSystem.OnDisk();
        await File.WriteAllBytesAsync(system.File, [.. Enumerable.Repeat((byte)'x', 5000)]);
        await ExpectNotRecovered(system, "a", system.File, "restore it from a backup");
    }

    [Fact]
    public async Task A_page_that_is_damaged_later_fails_only_the_actors_on_it()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = system.Start<Recorder>("a", _probe);
        for (var i = 0; i < 20; i++) actor.Tell(Do(a => a.Persist(new string('x', 2000), _ => a.Note("e"))));
        await _probe.Next(21);
        await system.StopAsync();
        // otherwise pages may be read from the log
        using (var connection = Open(system.File)) _ = Scalar<long>(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        var bytes = await File.ReadAllBytesAsync(system.File);
        Array.Fill(bytes, (byte)0xff, 4096, bytes.Length - 4096);
        await File.WriteAllBytesAsync(system.File, bytes);
        await system.RestartAsync();
        await _probe.Expect("stopped");
        await ExpectNotRecovered(system, "a", system.File, "SQLite error 11");
    }

    [Fact]
    public async Task A_missing_directory_is_named_with_what_to_do()
    {
        var file = Path.Combine(Path.GetTempPath(), $"missing-{Guid.NewGuid():N}", "journal.db");
        await using var system = PersistentSystem.OnDisk(file: file);
        await ExpectNotRecovered(system, "a", file, "check that its directory exists");
    }

    [Fact]
    public async Task Missing_tables_are_not_created_unless_configured()
    {
        await using var system = PersistentSystem.OnDisk("""
            akka.persistence.journal.sqlite.auto-initialize = off
            akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
            """);
        await ExpectNotRecovered(system, "a", system.File, "auto-initialize = on");
    }

    [Fact]
    public async Task A_read_only_database_can_be_read_and_a_write_says_why_it_fails()
    {
        await using var system = PersistentSystem.OnDisk();
        system.Start<Recorder>("a", _probe).Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("recovered 0", "e");
        await system.StopAsync();
        await _probe.Expect("stopped");
        await using var reader = PersistentSystem.OnDisk(file: system.File, connection: "Mode=ReadOnly");
        var actor = reader.Start<Recorder>("a", _probe);
        await _probe.Expect("replayed e", "recovered 1");
        actor.Tell(Do(a => a.Persist("f", a.Note)));
        var failure = (string)await _probe.Next();
        Assert.StartsWith("failed f 2", failure, StringComparison.Ordinal);
        Assert.Contains("SQLite error 8", failure, StringComparison.Ordinal);
        Assert.Contains("Mode=ReadOnly", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_of_another_process_is_an_error_after_the_timeout_until_it_is_released()
    {
        await using var system = PersistentSystem.OnDisk("akka.persistence.journal.sqlite.connection-timeout = 1s");
        using (var other = Open(system.File))
        {
            Scalar<object?>(other, "BEGIN EXCLUSIVE");
            await ExpectNotRecovered(system, "a", "SQLite error 5", "another process holds a lock");
        }
        system.Start<Recorder>("b", _probe).Tell(Do(a => a.Persist("f", a.Note)));
        await _probe.Expect("recovered 0", "f");
    }

    [Fact]
    public async Task While_it_is_open_no_other_process_can_use_the_file()
    {
        await using var system = PersistentSystem.OnDisk();
        system.Start<Recorder>("a", _probe).Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("recovered 0", "e");
        await using var second =
            PersistentSystem.OnDisk(file: system.File, extra: "akka.persistence.journal.sqlite.connection-timeout = 1s");
        await ExpectNotRecovered(second, "b", "SQLite error 5", "another process holds a lock");
    }

    [TmpfsFact]
    public async Task A_full_disk_is_an_error_until_there_is_space_again()
    {
        using var disk = new SmallDisk();
        await using var system = PersistentSystem.OnDisk(file: Path.Combine(disk.DirectoryPath, "journal.db"));
        var (first, second) = (system.Start<Recorder>("a", _probe), system.Start<Recorder>("b", _probe));
        first.Tell(Do(a => a.Persist("kept", a.Note)));
        Assert.Equal(["kept", "recovered 0", "recovered 0"], (await _probe.Next(3)).Order());
        disk.Fill();
        first.Tell(Do(a => a.Persist(new string('x', 100_000), _ => a.Note("too much"))));
        var failure = (string)await _probe.Next();
        Assert.StartsWith("failed", failure, StringComparison.Ordinal);
        Assert.Contains("SQLite error 13", failure, StringComparison.Ordinal);
        Assert.Contains("free some space", failure, StringComparison.Ordinal);
        await _probe.Expect("stopped");
        disk.MakeRoom();
        second.Tell(Do(a => a.Persist("f", a.Note)));
        await _probe.Expect("f");
        system.Start<Recorder>("a", _probe);
        await _probe.Expect("replayed kept", "recovered 1");
    }

    /// <summary>Forwards published messages.</summary>
    private sealed class Forwarder(Probe to) : UntypedActor
    {
        protected override void OnReceive(object message) => to.Add(message);
    }

    [TmpfsFact]
    public async Task With_a_reserve_a_full_disk_is_reported_and_the_next_writes_still_fit()
    {
        using var disk = new SmallDisk(kilobytes: 4096);
        await using var system = PersistentSystem.OnDisk(
            file: Path.Combine(disk.DirectoryPath, "journal.db"), extra: "akka.persistence.journal.sqlite.reserve = 1MiB");
        var space = new Probe();
        system.System.EventStream.Subscribe(
            system.System.ActorOf(Props.Create(() => new Forwarder(space))), typeof(StoreSpaceLow));
        var actor = system.Start<Recorder>("a", _probe);
        await _probe.Expect("recovered 0");
        actor.Tell(Do(a => a.Persist(new string('x', 100_000), _ => a.Note("before"))));
        await _probe.Expect("before");
        await Task.Delay(200); // the thread has been idle and has made its reserve
        disk.Fill();
        // more than the log's reserve: the writes are checkpointed into the database and use its reserve
        for (var i = 0; i < 40; i++)
        {
            actor.Tell(Do(a => a.Persist(new string('y', 20_000), _ => a.Note("written"))));
            await _probe.Expect("written");
        }
        Assert.Equal(new StoreSpaceLow(Path.Combine(disk.DirectoryPath, "journal.db"), IsLow: true), await space.Next());
        disk.MakeRoom();
        Assert.False(((StoreSpaceLow)await space.Next()).IsLow);
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
        system.Start<Recorder>("a", _probe);
        for (var i = 0; i < 41; i++) Assert.StartsWith("replayed", (string)await _probe.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_in_memory_exists_as_long_as_its_system()
    {
        await using var system =
            PersistentSystem.OnDisk(file: $"file:memory-{Guid.NewGuid():N}", connection: "Mode=Memory;Cache=Shared");
        var actor = system.Start<Recorder>("a", _probe);
        actor.Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("recovered 0", "e");
        await actor.GracefulStop(Probe.Soon);
        system.Start<Recorder>("a", _probe);
        await _probe.Expect("stopped", "replayed e", "recovered 1");
    }

    [Fact]
    public async Task A_missing_connection_string_is_reported_to_every_actor()
    {
        await using var system = PersistentSystem.OnDisk("akka.persistence.journal.sqlite.connection-string = \"\"");
        await ExpectNotRecovered(system, "a", "connection-string is not set");
    }

    private async Task ExpectNotRecovered(PersistentSystem system, string id, params string[] said)
    {
        system.Start<Recorder>(id, _probe);
        var failure = (string)await _probe.Next();
        Assert.StartsWith("not recovered", failure, StringComparison.Ordinal);
        Assert.All(said, part => Assert.Contains(part, failure, StringComparison.Ordinal));
        await _probe.Expect("stopped");
    }
}
