using System.Text.RegularExpressions;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>A commit is as durable as its strongest event requires and no more: counted in system calls.</summary>
public sealed partial class DurabilityTests
{
    [StraceFact]
    public async Task The_class_of_its_events_decides_whether_a_commit_is_synced_and_no_commit_takes_locks()
    {
        var directory = Directory.CreateTempSubdirectory("durability-");
        try
        {
            var trace = Path.Combine(directory.FullName, "trace");
            using (var child = DurabilityChild.Start(Path.Combine(directory.FullName, "journal.db"), trace))
            {
                using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
                Assert.EndsWith("begin end\n", await child.StandardOutput.ReadToEndAsync(deadline.Token),
                    StringComparison.Ordinal);
                await child.WaitForExitAsync(deadline.Token);
            }
            var phases = Phases(await File.ReadAllLinesAsync(trace));
            Assert.Equal((0, 0), phases["unsynced"]);
            Assert.Equal((DurabilityChild.Each, 0), phases["synced"]);
            // Events of one command are one commit: it is synced if any of them requires it.
            Assert.Equal((DurabilityChild.Each, 0), phases["both"]);
            // The file is created before the first commit: this shows that syncs and locks are counted when they happen.
            Assert.True(phases[""] is { Syncs: > 0, Locks: > 0 }, $"{phases[""]}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static Dictionary<string, (int Syncs, int Locks)> Phases(IEnumerable<string> trace)
    {
        var phases = new Dictionary<string, (int Syncs, int Locks)> { [""] = (0, 0) };
        var phase = "";
        foreach (var line in trace)
        {
            var (syncs, locks) = phases[phase];
            // "[pid] call(…": a call interrupted by another thread continues on a line without the bracket.
            if (Begin().Match(line) is { Success: true } begin) phases[phase = begin.Groups[1].Value] = (0, 0);
            else if (Sync().IsMatch(line)) phases[phase] = (syncs + 1, locks);
            else if (line.Contains("F_SETLK", StringComparison.Ordinal)) phases[phase] = (syncs, locks + 1);
        }
        return phases;
    }

    [GeneratedRegex("""write\(\d+, "begin ([a-z-]+)\\n""")]
    private static partial Regex Begin();

    [GeneratedRegex(@"\b(fsync|fdatasync|sync_file_range)\(")]
    private static partial Regex Sync();
}
