using Akka.Actor;
using Akka.Persistence.Journal;
using Supervisor.Persistence.Sqlite.Journal;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>
/// A power loss leaves the database, and at least the synced part of the write-ahead log. Each test makes such a file by hand
/// and opens it after "another boot".
/// </summary>
public sealed class PowerLossTests : IDisposable
{
    private const int Actors = 6, LogHeader = 32, FrameHeader = 24, Page = 4096, Frame = FrameHeader + Page;
    private const string FirstBoot = "akka.persistence.journal.sqlite.boot-id = \"boot 1\"";

    private readonly Probe _probe = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("power-loss-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>What several actors wrote at the same time, and the file at the end of it.</summary>
    private sealed record Written(byte[] Database, byte[] Log, IReadOnlyList<SpiedCommit> Commits)
    {
        public long Highest => Commits[^1].Events[^1].Offset;

        /// <summary>Ends of frames; the first is that of an empty log.</summary>
        public IEnumerable<long> Frames =>
            Enumerable.Range(0, (Log.Length - LogHeader) / Frame + 1).Select(i => LogHeader + (long)i * Frame);

        public IReadOnlyList<TaggedEvent> Survivors(long cut) =>
            [.. Commits.Where(c => c.LogLength <= cut).SelectMany(c => c.Events)];
    }

    private async Task<Written> WriteAsync(int seed, int commands)
    {
        await using var system = PersistentSystem.OnDisk(FirstBoot);
        using var spy = await StreamSpy.OnAsync(system);
        var actors = Enumerable.Range(0, Actors).Select(i => system.Start<Recorder>($"a{i}", _probe)).ToArray();
        await _probe.Next(Actors);
        var random = new Random(seed);
        var expected = 0;
        for (var i = 0; i < commands; i++)
        {
            var (text, isFast, count) = ($"{i}", random.Next(4) > 0, random.Next(1, 4));
            object Event() => new Tagged(isFast ? new Fast(text) : new Safe(text), [TaggedStream.Tag]);
            actors[random.Next(Actors)]
                .Tell(Do(a => a.PersistAll(Enumerable.Repeat(0, count).Select(_ => Event()), _ => a.Note(text))));
            expected += count;
            // Some wait for their answers, so that there are commits of one actor and of many.
            if (random.Next(3) > 0) continue;
            await _probe.Next(expected);
            expected = 0;
        }
        await _probe.Next(expected);
        var written = new Written(
            await File.ReadAllBytesAsync(system.File), await File.ReadAllBytesAsync(system.File + "-wal"), spy.Commits);
        Assert.Equal(0, (written.Log.Length - LogHeader) % Frame);
        Assert.Equal(written.Log.Length, written.Commits[^1].LogLength);    // no checkpoint in between
        return written;
    }

    private string Cut(Written written, long length)
    {
        var file = Path.Combine(
            Directory.CreateDirectory(Path.Combine(_directory, $"{Guid.NewGuid():N}")).FullName, "journal.db");
        File.WriteAllBytes(file, written.Database);
        File.WriteAllBytes(file + "-wal", written.Log[..(int)length]);
        return file;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Any_cut_leaves_a_prefix_of_the_commit_order(int seed)
    {
        var written = await WriteAsync(seed, 45);
        Assert.Contains(written.Commits, c => c.IsSynced);
        Assert.Contains(written.Commits, c => !c.IsSynced);
        // Starts at the opening, whose commit was synced; the last frame before the end of the first commit belongs to no
        // complete commit.
        var random = new Random(seed);
        var cuts = written.Frames.Where(f => f >= written.Commits[0].LogLength - Frame).ToList();
        foreach (var cut in cuts.Concat(cuts.SkipLast(1).Select(c => c + random.Next(1, Frame))))
        {
            var survivors = written.Survivors(cut);
            using var journal = new StoredJournal(Cut(written, cut), "boot 2");
            Assert.Equal(survivors.Select(e => (e.Offset, e.Previous, e.PersistenceId, e.SequenceNr)),
                journal.Stream.Select(r => (r.Offset, r.Previous, r.PersistenceId, r.SequenceNr)));
            TaggedStream.AssertUnbroken(survivors);
            for (var i = 0; i < Actors; i++)
            {
                var own = survivors.Where(e => e.PersistenceId == $"a{i}").Select(e => e.SequenceNr).ToArray();
                Assert.Equal(own, journal.Replay($"a{i}").Select(r => r.SequenceNr));
                Assert.Equal(own.LastOrDefault(), journal.Highest($"a{i}"));
            }

            // No subscriber has seen the new offset, and its predecessor is one that is there.
            var offset = journal.Append("after", 1, isSynced: true);
            Assert.True(offset > written.Highest, $"{offset} was used before");
            Assert.Equal(survivors.Count == 0 ? 0 : survivors[^1].Offset, journal.Stream[^1].Previous);
        }
    }

    [Fact]
    public async Task Events_acknowledged_as_synced_are_in_the_log_before_its_sync_returns()
    {
        var written = await WriteAsync(3, 60);
        var synced = written.Commits.Where(c => c.IsSynced).ToList();
        foreach (var commit in synced)
        {
            // The minimum that a power loss right after the acknowledgement can leave.
            using var journal = new StoredJournal(Cut(written, commit.LogLength), "boot 2");
            Assert.Equal(commit.Events[^1].Offset, journal.Bounds.Last);
        }
        // Every event of the class that must be synced is in such a commit.
        Assert.All(written.Commits.SelectMany(c => c.Events, (c, e) => (c.IsSynced, e.Event)), e =>
            Assert.True(e.IsSynced || e.Event is Fast));
    }

    [Fact]
    public async Task Actors_and_subscribers_continue_after_a_power_loss()
    {
        var written = await WriteAsync(4, 40);
        var cut = written.Commits[written.Commits.Count / 2].LogLength;
        var survivors = written.Survivors(cut);
        await using var system =
            PersistentSystem.OnDisk("akka.persistence.journal.sqlite.boot-id = \"boot 2\"", Cut(written, cut));
        var own = survivors.Where(e => e.PersistenceId == "a0").ToList();
        var probe = new Probe();
        var actor = system.Start<Recorder>("a0", probe);
        await probe.Expect([.. own.Select(e => $"replayed {e.Event}"), $"recovered {own.Count}"]);
        using var spy = await StreamSpy.OnAsync(system);
        actor.Tell(Do(a => a.Persist(
            new Tagged(new Fast("after"), [TaggedStream.Tag]), _ => a.Note($"written {a.LastSequenceNr}"))));
        await probe.Expect($"written {own.Count + 1}");
        var after = Assert.Single(spy.Events);
        Assert.True(after.Offset > written.Highest);
        Assert.Equal(survivors[^1].Offset, after.Previous);
        Assert.Equal([.. survivors, after], await TaggedStream.ReadAsync(system.System));
    }

    [Fact]
    public async Task Within_one_boot_offsets_continue_from_the_last()
    {
        var written = await WriteAsync(5, 20);
        using var journal = new StoredJournal(Cut(written, written.Log.Length), "boot 1");
        Assert.Equal(written.Highest + 1, journal.Append("after", 1, isSynced: true));
    }

    [Fact]
    public void Every_boot_starts_a_new_range_of_offsets_even_without_a_write()
    {
        var file = Path.Combine(_directory, "journal.db");
        var given = new List<long>();
        for (var boot = 1; boot <= 6; boot++)
        {
            using var journal = new StoredJournal(file, $"boot {boot}");
            if (boot % 2 == 1) given.Add(journal.Append("a", boot, isSynced: false));
        }
        Assert.Equal([1, 2L << 32, 4L << 32], given);
    }

    [Fact]
    public void A_log_that_restarted_over_its_old_frames_is_cut_like_any_other()
    {
        var (file, now) = (Path.Combine(_directory, "journal.db"), Path.Combine(_directory, "cut.db"));
        var lengths = new List<(long Log, long Offset)>();
        byte[] database, before, after;
        using (var journal = new StoredJournal(file, "boot 1"))
        {
            var number = 0L;
            for (var i = 0; i < 20; i++) journal.Append("a", ++number, isSynced: i % 5 == 0, bytes: 3000);
            journal.Checkpoint();
            before = File.ReadAllBytes(file + "-wal");
            database = File.ReadAllBytes(file);
            lengths.Add((LogHeader, number));
            while (lengths.Count < 6)
            {
                var offset = journal.Append("a", ++number, isSynced: false);
                lengths.Add((LastFrame(File.ReadAllBytes(file + "-wal")), offset));
            }
            after = File.ReadAllBytes(file + "-wal");
        }
        Assert.Equal(before.Length, after.Length);          // it restarted: nothing was appended
        Assert.NotEqual(before[16..24], after[16..24]);     // with another salt
        foreach (var cut in Enumerable.Range(0, (int)(lengths[^1].Log / Frame) + 1).Select(i => LogHeader + i * Frame))
        {
            File.WriteAllBytes(now, database);
            File.WriteAllBytes(now + "-wal", [.. after[..cut], .. before[cut..]]);
            using var journal = new StoredJournal(now, "boot 2");
            var expected = lengths.FindLast(l => l.Log <= cut).Offset;
            Assert.Equal(Enumerable.Range(1, (int)expected), journal.Stream.Select(r => (int)r.Offset));
            Assert.True(journal.Append("b", 1, isSynced: true) > lengths[^1].Offset);
        }
    }

    /// <summary>End of the frames that carry the salt of the header.</summary>
    private static long LastFrame(byte[] log)
    {
        var end = LogHeader;
        while (end < log.Length && log.AsSpan(end + 8, 8).SequenceEqual(log.AsSpan(16, 8))) end += Frame;
        return end;
    }
}
