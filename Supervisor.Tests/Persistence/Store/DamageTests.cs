using System.Text;
using Microsoft.Data.Sqlite;
using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Store;
using Xunit.Abstractions;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>
/// A damaged file is never read as if it were intact: not an exchanged one, not a truncated one, not one with a flipped bit.
/// </summary>
public sealed class DamageTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] Ids =
        ["container-default/a", "task-default/a", "container-default/b", "task-default/b", "containers"];
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-damage-");

    private string FilePath => Path.Join(_place.FullName, "journal.db");

    private string Witness => Path.Join(_place.FullName, "witness");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public void Every_single_flipped_bit_is_detected()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SUPERVISOR_SEED"), out var given) ? given : 20261129;
        var flips = int.TryParse(Environment.GetEnvironmentVariable("SUPERVISOR_FLIPS"), out var many) ? many : 3000;
        output.WriteLine($"SUPERVISOR_SEED={seed} SUPERVISOR_FLIPS={flips}");
        Write();
        var (original, random, noticed) = (File.ReadAllBytes(FilePath), new Random(seed), 0);
        var right = Read()!;
        for (var i = 0; i < flips; i++)
        {
            var (at, bit) = (random.Next(original.Length), random.Next(8));
            var damaged = (byte[])original.Clone();
            damaged[at] ^= (byte)(1 << bit);
            foreach (var left in Directory.GetFiles(_place.FullName)) File.Delete(left);
            File.WriteAllBytes(FilePath, damaged);
            var read = Read(); // null: refused, or reported as damaged
            if (read is null) noticed++;
            else Assert.True(right == read,
                $"SUPERVISOR_SEED={seed}: flip {i}, bit {bit} of byte {at}: not noticed, and what is read "
                + $"differs:\n{Difference(right, read)}");
        }
        output.WriteLine($"{noticed} noticed, {flips - noticed} without an effect on what is read");
        Assert.True(noticed > flips / 3, $"{noticed} of {flips} noticed");
    }

    /// <summary>
    /// The last writes of a killed daemon are in the log only. SQLite reads the log up to the first frame with a wrong checksum,
    /// and reports nothing.
    /// </summary>
    [Fact]
    public void Every_flipped_bit_in_the_write_ahead_log_is_detected()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SUPERVISOR_SEED"), out var given) ? given : 20261130;
        var flips = int.TryParse(Environment.GetEnvironmentVariable("SUPERVISOR_FLIPS"), out var many) ? many : 1000;
        output.WriteLine($"SUPERVISOR_SEED={seed} SUPERVISOR_FLIPS={flips}");
        Write(Witness);
        Dictionary<string, byte[]> killed;
        using (var journal = new StoredJournal(FilePath, history: "keep = 1000", witness: Witness))
        {
            foreach (var id in Ids)
                journal.Append(id, 6, payload: Encoding.ASCII.GetBytes($"LAST-{id}".PadRight(900, '.')), manifest: "manifest");
            killed = ((string[])[FilePath, FilePath + "-wal", Witness]).ToDictionary(f => f, File.ReadAllBytes);
        }
        var (log, random, noticed) = (killed[FilePath + "-wal"], new Random(seed), 0);
        Assert.True(log.Length > 0, "the log is empty");
        Restore();
        var right = Read(Witness)!;
        Assert.Contains(Convert.ToHexString("LAST-containers"u8), right, StringComparison.Ordinal);
        for (var i = 0; i < flips; i++)
        {
            var (at, bit) = (random.Next(log.Length), random.Next(8));
            Restore();
            var damaged = (byte[])log.Clone();
            damaged[at] ^= (byte)(1 << bit);
            File.WriteAllBytes(FilePath + "-wal", damaged);
            var read = Read(Witness);
            if (read is null) noticed++;
            else Assert.True(right == read,
                $"SUPERVISOR_SEED={seed}: flip {i}, bit {bit} of byte {at}: not noticed, and what is read "
                + $"differs:\n{Difference(right, read)}");
        }
        output.WriteLine($"{noticed} noticed, {flips - noticed} without an effect on what is read");
        Assert.True(noticed > flips / 2, $"{noticed} of {flips} noticed");

        void Restore()
        {
            foreach (var left in Directory.GetFiles(_place.FullName)) File.Delete(left);
            foreach (var (file, content) in killed) File.WriteAllBytes(file, content);
        }
    }

    [Fact]
    public void A_damaged_event_is_reported_with_its_actor_and_affects_no_other()
    {
        Write();
        Flip("PAYLOAD-task-default/a-2");
        using var journal = new StoredJournal(FilePath);
        Assert.Equal("task-default/a", Assert.Single(journal.Damaged).Key);
        Assert.Contains("is damaged: row", Assert.Single(journal.Reports), StringComparison.Ordinal);
        Assert.Contains("task-default/a", Assert.Throws<DamagedEventsException>(() => journal.Replay("task-default/a")).Message,
            StringComparison.Ordinal);
        Assert.Equal(Ids.Where(i => i != "task-default/a").Select(_ => 4), Ids.Where(i => i != "task-default/a")
            .Select(i => journal.Replay(i).Count));
        Assert.True(journal.Append("task-default/b", 6) > 0);
    }

    [Fact]
    public void A_damaged_id_affects_only_the_actor_that_the_index_still_names()
    {
        Write();
        Flip("default/bmanifest", behind: 8); // the id's last letter, in the table's row; the index holds another copy
        using var journal = new StoredJournal(FilePath);
        Assert.Contains("container-default/b", journal.Damaged.Keys);
        Assert.DoesNotContain("task-default/a", journal.Damaged.Keys);
    }

    [Fact]
    public void Damaged_events_can_be_removed_and_the_others_stay_usable()
    {
        Write();
        Flip("PAYLOAD-task-default/a-2");
        var section = Akka.Configuration.ConfigurationFactory.ParseString(
            $"connection-string = \"Data Source={FilePath}\", auto-initialize = on, boot-id = boot")
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        Assert.Equal(["task-default/a"], JournalFile.Inspect(section).Damaged.Keys);
        JournalFile.Remove(section, id => id.EndsWith("/a", StringComparison.Ordinal));
        using var journal = new StoredJournal(FilePath);
        Assert.Empty(journal.Damaged);
        Assert.Equal([0, 0, 4, 4, 4], Ids.Select(i => journal.Replay(i).Count));
    }

    [Theory]
    [InlineData("PAYLOAD-containers-2", 3)]
    [InlineData("containersmanifest", 2)] // the row's id, which the index has right
    [InlineData("PAYLOAD-containers-2", -9)] // or the manifest
    public void An_actors_damaged_events_can_be_replaced_by_one(string text, int behind)
    {
        Write();
        Flip(text, behind);
        var section = Akka.Configuration.ConfigurationFactory.ParseString(
            $"connection-string = \"Data Source={FilePath}\", auto-initialize = on, boot-id = boot")
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        var damaged = JournalFile.Inspect(section).Damaged.Keys.ToHashSet();
        Assert.Contains("containers", damaged);
        IReadOnlySet<string> left = new HashSet<string>();
        JournalFile.Remove(section, damaged.Contains, ids =>
        {
            left = ids;
            return new ReplacingEvent("containers", "manifest", 1, "new"u8.ToArray());
        });
        Assert.Equal(Ids.Except(["containers"]).Order(), left.Order());
        using var journal = new StoredJournal(FilePath);
        Assert.Empty(journal.Damaged);
        Assert.Equal("new"u8.ToArray(), Assert.Single(journal.Replay("containers")).Payload);
        Assert.Equal(1, journal.Highest("containers"));
        Assert.Equal([4, 4, 4, 4], Ids.Except(["containers"]).Select(i => journal.Replay(i).Count));
    }

    [Theory]
    [InlineData("removed")]
    [InlineData("emptied")]
    [InlineData("older")]
    [InlineData("exchanged")]
    [InlineData("without its write-ahead log")]
    public void A_journal_other_than_the_last_one_written_is_refused(string how)
    {
        Write(Witness);
        File.Copy(FilePath, FilePath + ".older");
        using (var journal = new StoredJournal(FilePath, witness: Witness))
        {
            journal.Append("task-default/a", 6);
            File.Copy(FilePath, FilePath + ".without-log"); // the event is in the log only
        }
        switch (how)
        {
            case "removed": File.Delete(FilePath); break;
            case "emptied": File.WriteAllBytes(FilePath, []); break;
            case "older": File.Copy(FilePath + ".older", FilePath, overwrite: true); break;
            case "without its write-ahead log": File.Copy(FilePath + ".without-log", FilePath, overwrite: true); break;
            case "exchanged":
                File.Delete(FilePath);
                using (var other = new StoredJournal(FilePath)) for (var i = 1; i < 100; i++) other.Append("x", i);
                break;
        }
        Assert.Contains(Witness,
            Assert.Throws<JournalUnusableException>(() => new StoredJournal(FilePath, witness: Witness)).Message,
            StringComparison.Ordinal);
        Assert.Throws<JournalUnusableException>(() => new StoredJournal(FilePath, witness: Witness)); // and is refused again
        // events lost in a power failure are not an error
        new StoredJournal(FilePath, bootId: "the next boot", witness: Witness).Dispose();
    }

    [Fact]
    public void The_last_journal_written_is_opened_again()
    {
        Write(Witness);
        using (var journal = new StoredJournal(FilePath, witness: Witness)) journal.Delete("task-default/a", 5);
        using (var journal = new StoredJournal(FilePath, witness: Witness)) Assert.Empty(journal.Reports);
    }

    [Fact]
    public void Removing_or_replacing_the_file_while_it_is_open_is_detected()
    {
        Write();
        using (var journal = new StoredJournal(FilePath))
        {
            journal.CheckPlace();
            File.Move(FilePath, FilePath + ".moved");
            Assert.Contains("removed, renamed or replaced", Assert.Throws<JournalUnusableException>(journal.CheckPlace).Message,
                StringComparison.Ordinal);
            File.Copy(FilePath + ".moved", FilePath);
            Assert.Throws<JournalUnusableException>(journal.CheckPlace);
        }
    }

    [Fact]
    public void A_file_of_an_earlier_version_gets_its_checksums_when_opened()
    {
        Write();
        using (var old = Database.Open(FilePath))
        {
            foreach (var sql in (
                string[])["ALTER TABLE event_journal DROP COLUMN checksum", "ALTER TABLE journal_metadata DROP COLUMN checksum",
                "ALTER TABLE journal_epochs DROP COLUMN checksum", "ALTER TABLE journal_history DROP COLUMN checksum",
                    "PRAGMA user_version = 2"])
                using (var command = new SqliteCommand(sql, old)) command.ExecuteNonQuery();
        }
        using (var journal = new StoredJournal(FilePath, history: "keep = 1000"))
        {
            Assert.Empty(journal.Damaged);
            Assert.Equal(Ids.Select(_ => 4), Ids.Select(i => journal.Replay(i).Count));
            Assert.Equal(0L, journal.Value("SELECT count(*) FROM event_journal WHERE checksum IS NULL"));
        }
        Flip("PAYLOAD-task-default/a-2");
        using var again = new StoredJournal(FilePath, history: "keep = 1000");
        Assert.Equal(["task-default/a"], again.Damaged.Keys);
    }

    /// <summary>Writes five events of each actor; the first is deleted, but kept for the history.</summary>
    private void Write(string witness = "")
    {
        using var journal = new StoredJournal(FilePath, history: "keep = 1000", witness: witness);
        for (var number = 1; number <= 5; number++)
            foreach (var id in Ids)
                journal.Append(id, number, isTagged: number % 2 == 1,
                payload: Encoding.ASCII.GetBytes($"PAYLOAD-{id}-{number}".PadRight(900, '.')), manifest: "manifest");
        foreach (var id in Ids) journal.Delete(id, 1);
        journal.Tidy();
    }

    private void Flip(string text, int behind = 3)
    {
        var bytes = File.ReadAllBytes(FilePath);
        var at = bytes.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(text));
        Assert.True(at > 0, $"\"{text}\" is not in the file");
        bytes[at + behind] ^= 4;
        File.WriteAllBytes(FilePath, bytes);
    }

    /// <summary>Everything that can be read; null if the file is refused or damage is reported.</summary>
    private string? Read(string witness = "")
    {
        try
        {
            using var journal = new StoredJournal(FilePath, history: "keep = 1000", witness: witness);
            if (journal.Damaged.Count > 0) return null;
            var text = new StringBuilder();
            foreach (var id in Ids)
                text.AppendLine($"{id} {journal.Highest(id)}").AppendJoin('\n', journal.Replay(id).Select(Text)).AppendLine();
            text.AppendJoin('\n', journal.Stream.Select(Text)).AppendLine();
            var bounds = journal.Bounds;
            return text.AppendLine($"{bounds.First} {bounds.Last}").ToString();
        }
        catch (Exception e) when (e is IOException or SqliteException)
        {
            return null;
        }
    }

    private static string Text(Supervisor.Persistence.Sqlite.Journal.StoredRow row) =>
        $"{row.Offset} {row.Previous} {row.PersistenceId} {row.SequenceNr} {row.Timestamp} {row.Manifest} "
            + $"{Convert.ToHexString(row.Payload)} {row.Serializer}";

    private static string Difference(string right, string read) =>
        string.Join('\n', right.Split('\n').Except(read.Split('\n')).Select(l => "- " + l)
            .Concat(read.Split('\n').Except(right.Split('\n')).Select(l => "+ " + l)));
}
