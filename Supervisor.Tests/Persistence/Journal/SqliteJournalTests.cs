using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using static Supervisor.Tests.Persistence.Database;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Journal;

/// <summary>What any SQLite plugin for Akka.Persistence promises, independent of its authors.</summary>
public sealed class SqliteJournalTests
{
    private readonly Probe _probe = new();

    [Fact]
    public async Task Events_and_snapshots_survive_a_new_actor_system()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = system.Start<Recorder>("a", _probe);
        actor.Tell(Do(a => a.PersistAll(["e1", "e2"], a.Note)));
        actor.Tell(Do(a => a.SaveSnapshot("s2")));
        actor.Tell(Do(a => a.Persist("e3", a.Note)));
        await _probe.Next(5);
        await system.RestartAsync();
        await _probe.Expect("stopped");
        system.Start<Recorder>("a", _probe);
        await _probe.Expect("snapshot 2 s2", "replayed e3", "recovered 3");
    }

    [Fact]
    public async Task The_tables_have_the_published_layout_and_a_column_of_tags()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = system.Start<Recorder>("a", _probe);
        actor.Tell(Do(a => a.Persist(new Tagged("tagged", ["blue"]), _ => a.Note("written"))));
        await _probe.Expect("recovered 0", "written");
        await system.StopAsync();
        using (var connection = Open(system.File))
        {
            Assert.Equal(
                "ordering,persistence_id,sequence_nr,is_deleted,manifest,timestamp,payload,tags,serializer_id,previous,checksum",
                Scalar<string>(connection, "SELECT group_concat(name) FROM pragma_table_info('event_journal')"));
            Assert.Equal("persistence_id,sequence_nr,ordering,checksum",
                Scalar<string>(connection, "SELECT group_concat(name) FROM pragma_table_info('journal_metadata')"));
            Assert.Equal("persistence_id,sequence_nr,created_at,manifest,payload,serializer_id",
                Scalar<string>(connection, "SELECT group_concat(name) FROM pragma_table_info('snapshot')"));
            Assert.Equal(";blue;",
                Scalar<string>(connection,
                "SELECT tags FROM event_journal WHERE persistence_id = 'a' AND sequence_nr = 1 AND is_deleted = 0"));
            var written = new DateTime(Scalar<long>(connection, "SELECT timestamp FROM event_journal"), DateTimeKind.Utc);
            Assert.InRange(written, DateTime.UtcNow.AddMinutes(-5), DateTime.UtcNow);
        }
        await system.RestartAsync();
        system.Start<Recorder>("a", _probe);
        await _probe.Expect("stopped", "replayed tagged", "recovered 1");
    }

    [Fact]
    public async Task Systems_with_separate_files_do_not_share_events()
    {
        await using var one = PersistentSystem.OnDisk();
        await using var two = PersistentSystem.OnDisk();
        one.Start<Recorder>("a", _probe).Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("recovered 0", "e");
        two.Start<Recorder>("a", _probe);
        await _probe.Expect("recovered 0");
    }

    [Fact]
    public async Task Acknowledged_events_survive_kill_9()
    {
        var directory = Directory.CreateTempSubdirectory("killed-").FullName;
        try
        {
            var file = Path.Combine(directory, "journal.db");
            var acknowledged = new long[JournalChild.Actors];
            using (var child = JournalChild.Start(file))
            {
                using var deadline = new CancellationTokenSource(Probe.Soon);
                for (var lines = 0; lines < 2000; lines++)
                {
                    var line = await child.StandardOutput.ReadLineAsync(deadline.Token);
                    Assert.NotNull(line);
                    var words = line.Split(' ');
                    acknowledged[int.Parse(words[0])] = long.Parse(words[1]);
                }
                child.Kill();
                // Lines that it had printed before it was killed count too.
                foreach (var line in (await child.StandardOutput.ReadToEndAsync(deadline.Token)).Split('\n')[..^1])
                    acknowledged[int.Parse(line.Split(' ')[0])] = long.Parse(line.Split(' ')[1]);
                await child.WaitForExitAsync(deadline.Token);
            }
            await using var system = PersistentSystem.OnDisk(file: file);
            for (var i = 0; i < JournalChild.Actors; i++)
            {
                system.Start<Recorder>($"child-{i}", _probe);
                var number = 0L;
                while (await _probe.Next() is var seen && seen is not string { } s
                    || !((string)seen).StartsWith("recovered", StringComparison.Ordinal))
                    Assert.Equal($"replayed {++number}", seen);
                Assert.True(number >= acknowledged[i], $"actor {i}: {acknowledged[i]} acknowledged, {number} recovered");
            }
            Assert.True(acknowledged.Sum() > 100);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
