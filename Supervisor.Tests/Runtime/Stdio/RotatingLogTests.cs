using System.Text;
using Supervisor.Cli.Running;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Stdio;

/// <summary>
/// Logs of limited size: their options, invalid options, and that no byte is lost and no line is split between two files.
/// </summary>
public sealed class RotatingLogTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-log-");
    private readonly List<Exception> _reported = [];

    private string Log => Path.Join(_place.FullName, "deep", "a b.log");

    public void Dispose() => _place.Delete(recursive: true);

    [Theory]
    [InlineData("file:///a/b", "/a/b", null, 3)]
    [InlineData("file:///a%20b%3F?max-size=10MiB", "/a b?", 10L << 20, 3)]
    [InlineData("file:///a?max-files=7&max-size=4k", "/a", 4096L, 7)]
    public void A_log_target_is_parsed(string target, string path, long? size, int files)
    {
        var log = LogTarget.Parse(target, "stdout");
        Assert.Equal(new LogTarget(path, size, files), log);
        Assert.Equal(log, LogTarget.Parse($"{log}", "stdout"));
    }

    [Theory]
    [InlineData("file://a", "absolute")]
    [InlineData("file:///a?max-size=none", "max-size")]
    [InlineData("file:///a?max-size=100", "max-size")]
    [InlineData("file:///a?max-size=1M&max-files=0", "max-files")]
    [InlineData("file:///a?max-size=1M&max-files=1001", "max-files")]
    [InlineData("file:///a?max-files=2", "max-files")]
    [InlineData("file:///a?size=2", "size")]
    public void A_wrong_log_target_is_refused_by_field_and_option(string target, string word)
    {
        var e = Assert.Throws<InvalidStdioException>(() => LogTarget.Parse(target, "stderr"));
        Assert.Equal("stderr", e.Field);
        Assert.Contains(word, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void The_files_hold_the_latest_lines_whole_within_their_limit(int files)
    {
        var target = new LogTarget(Log, 4096, files);
        var all = Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Range(0, 5000).Select(i => $"line {i} {new string('x', i % 97)}\n")));
        var log = new RotatingLog(target, _reported.Add);
        for (int at = 0, n = 0; at < all.Length;)
        {
            if (++n % 50 == 0)
            {
                log.Dispose(); // and another continues
                log = new RotatingLog(target, _reported.Add);
            }
            // One write per line, as programs write lines.
            var end = Math.Min(all.Length, at + 1 + n * 37 % 3000);
            var piece = all.AsSpan(
                at, end == all.Length
                ? end - at : Math.Max(
                all.AsSpan(at, end - at).LastIndexOf((byte)'\n') + 1, all.AsSpan(at).IndexOf((byte)'\n') + 1));
            at += piece.Length;
            while (!piece.IsEmpty) piece = piece[log.TryWrite(piece)!.Value..];
        }
        log.Dispose();
        Assert.Empty(_reported);
        string[] there = [.. LogTarget.RotatedFiles(Log).Reverse(), Log];
        Assert.Equal(there.Length, Directory.GetFiles(Path.GetDirectoryName(Log)!).Length);
        Assert.True(there.Length <= files && (files == 1000 || there.Length == files));
        Assert.All(there, f => Assert.InRange(new FileInfo(f).Length, 1, 4096));
        Assert.All(there, f => Assert.Equal((byte)'\n', File.ReadAllBytes(f)[^1]));
        var kept = there.SelectMany(File.ReadAllBytes).ToArray();
        Assert.Equal(all[^kept.Length..], kept);
        if (files == 1000) Assert.Equal(all.Length, kept.Length);
        using var read = new MemoryStream();
        using var reader = new LogFiles(Log, LogFormat.Raw);
        reader.PrintTo(new LogPrinter(read, Stream.Null, LogFormat.Raw));
        Assert.Equal(kept, read.ToArray());
    }

    [Fact]
    public void A_line_longer_than_a_file_spans_several()
    {
        using var log = new RotatingLog(new LogTarget(Log, 4096, 10), _reported.Add);
        var line = new byte[10_000];
        Array.Fill(line, (byte)'y');
        for (ReadOnlySpan<byte> left = line; !left.IsEmpty;) left = left[log.TryWrite(left)!.Value..];
        Assert.Equal([10_000 - 2 * 4096, 4096, 4096],
            (long[])[new FileInfo(Log).Length, .. LogTarget.RotatedFiles(Log).Select(f => new FileInfo(f).Length)]);
    }

    [Fact]
    public void A_failing_write_is_reported_once_and_retried()
    {
        using var log = new RotatingLog(new LogTarget(Log, 4096, 2), _reported.Add);
        var full = new byte[4096];
        Assert.Equal(4096, log.TryWrite(full));
        Directory.CreateDirectory(Log + ".1"); // blocks the rename
        File.WriteAllText(Log + ".1/x", "");
        Assert.Null(log.TryWrite("more\n"u8));
        Assert.Null(log.TryWrite("more\n"u8));
        Assert.Contains(Log, Assert.Single(_reported).Message, StringComparison.Ordinal);
        Directory.Delete(Log + ".1", recursive: true);
        Assert.Equal(0, log.TryWrite("more\n"u8));
        Assert.Equal(5, log.TryWrite("more\n"u8));
        Assert.Equal("more\n", File.ReadAllText(Log));
    }

    /// <summary>A reader follows a concurrent writer: every byte once, in order.</summary>
    [Fact]
    public async Task A_reader_follows_across_files()
    {
        var all = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i}\n")));
        using var log = new RotatingLog(new LogTarget(Log, 4096, 1000), _reported.Add);
        var writer = Task.Run(() =>
        {
            for (var at = 0; at < all.Length;) at += log.TryWrite(all.AsSpan(at, Math.Min(100, all.Length - at)))!.Value;
        });
        using var reader = new LogFiles(Log, LogFormat.Raw);
        using var read = new MemoryStream();
        for (var last = false; !last;)
        {
            last = writer.IsCompleted;
            reader.PrintTo(new LogPrinter(read, Stream.Null, LogFormat.Raw));
        }
        await writer;
        Assert.Equal(all, read.ToArray());
    }
}
