using Supervisor.Cli.Output;

namespace Supervisor.Cli.Diagnosis;

/// <summary>The journal's file: that it is there, a database that can be read, and how large it is.</summary>
internal static class JournalCheck
{
    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    /// <param name="isServed">Whether a daemon answers: it has read the journal.</param>
    public static Finding Examine(string root, bool isServed)
    {
        var path = Path.Join(root, "journal.db");
        try
        {
            if (!File.Exists(path))
                return isServed
                    ? Finding.Fault("journal", $"{path} was removed under the daemon",
                        "stop the daemon, put the file back, or start it with serve --adopt: it adopts what runs")
                    : Directory.Exists(root)
                        ? Finding.Fault("journal", $"{path} does not exist", "a daemon that starts there knows no containers: "
                            + "put the file back, or start with serve --adopt if containers run")
                        : Finding.Ok("journal", $"{root} does not exist: no daemon has used it");
            var start = new byte[Magic.Length];
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
                start = start[..RandomAccess.Read(file, start, 0)];
            var size = ((string[])[path, path + "-wal"]).Where(File.Exists).Sum(f => new FileInfo(f).Length);
            var copies = Directory.GetFiles(root, "journal.db.damaged-*");
            var said = $"{path}: {Size.Of((ulong)size)}" + (copies.Length > 0
                ? $"; {copies.Length} copies from before damage was removed, {copies[0]}: yours to remove" : "");
            return start.Length == 0 || Magic.SequenceEqual(start)
                ? Finding.Ok("journal", said)
                : Finding.Fault("journal", $"{path} is not a database",
                    "put a copy of it back, or start with serve --adopt: it sets the file aside and adopts what runs");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Finding.Unknown("journal", e.Message, "run this as root");
        }
    }
}
