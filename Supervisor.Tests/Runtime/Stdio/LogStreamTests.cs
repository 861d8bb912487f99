using System.Text;
using Supervisor.Cli.Running;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Stdio;

/// <summary>Logs of records: their format, their limits, and that readers get back every byte.</summary>
public sealed class LogStreamTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-log-");
    private readonly List<Exception> _reported = [];

    private string Log => Path.Join(_place.FullName, "c.log");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public void A_line_has_its_time_its_stream_and_whether_it_is_whole()
    {
        using var output = Open(null);
        using var errors = output.ForErrors();
        Write(output, "one\n\ntw");
        Write(errors, "err\r\n");
        Write(output, "o\n");
        const string time = "2026-11-30T18:07:30.123456700Z";
        Assert.Equal(
            $"{time} stdout F one\n{time} stdout F \n{time} stdout P tw\n{time} stderr F err\r\n{time} stdout F o\n",
            File.ReadAllText(Log));
    }

    [Fact]
    public void The_begin_of_a_line_waits_for_its_rest_while_there_is_more()
    {
        using var log = Open(null);
        Assert.Equal(4, log.TryWrite("one\ntw"u8, more: true));
        Assert.Equal(0, log.TryWrite("tw"u8, more: true));
        Assert.Equal(2, log.TryWrite("tw"u8));
        Assert.Equal(["F one", "P tw"], Records());
    }

    [Theory]
    [InlineData(CriRecord.MostContent - 1, "F16383")]
    [InlineData(CriRecord.MostContent, "F16384")]
    [InlineData(CriRecord.MostContent + 1, "P16384 F1")]
    [InlineData((3 * CriRecord.MostContent) + 5, "P16384 P16384 P16384 F5")]
    public void A_long_line_is_cut(int length, string records)
    {
        using var log = Open(null);
        Write(log, new string('x', length) + "\n");
        Assert.Equal(records, string.Join(' ', Records().Select(r => $"{r[0]}{r.Length - 2}")));
    }

    [Fact]
    public void No_record_is_longer_than_a_file()
    {
        using var log = Open(4096);
        Write(log, new string('x', 20_000) + "\n");
        Assert.All(Files(), f => Assert.InRange(new FileInfo(f).Length, 1, 4096));
        Assert.Equal(20_000, Records().Sum(r => r.Length - 2));
        Assert.All(Files(), f => Assert.True(CriRecord.Is(File.ReadAllBytes(f).AsSpan()[..^1])));
    }

    /// <summary>A reader follows while both streams are written and rotated; then the last lines are asked for.</summary>
    [Fact]
    public async Task Readers_get_back_every_byte_of_each_stream()
    {
        using var output = Open(8192);
        using var errors = output.ForErrors();
        var random = new Random(7);
        var (written, wrong) = (new MemoryStream(), new MemoryStream());
        var writer = Task.Run(() =>
        {
            for (var i = 0; i < 3000; i++)
            {
                var bytes = new byte[random.Next(1, 3000)];
                random.NextBytes(bytes);
                var isError = random.Next(3) == 0;
                (isError ? wrong : written).Write(bytes);
                Write(isError ? errors : output, bytes);
            }
        });
        var (read, readErrors) = (new MemoryStream(), new MemoryStream());
        using var files = new LogFiles(Log, LogFormat.Cri);
        var printer = new LogPrinter(read, readErrors, LogFormat.Cri);
        for (var last = false; !last;)
        {
            last = writer.IsCompleted;
            files.PrintTo(printer);
        }
        await writer;
        Assert.True(written.ToArray().AsSpan().SequenceEqual(read.ToArray()));
        Assert.True(wrong.ToArray().AsSpan().SequenceEqual(readErrors.ToArray()));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "rest")]
    [InlineData(2, "a part and its end\nrest")]
    [InlineData(3, "x\na part and its end\nrest")]
    [InlineData(9, "x\na part and its end\nrest")]
    public void The_last_lines_are_those_of_the_output(int lines, string wanted)
    {
        using (var log = Open(null))
            foreach (var piece in (string[])["x\n", "a part ", "and ", "its end\n", "rest"]) Write(log, piece);
        using var files = new LogFiles(Log, LogFormat.Cri);
        files.SkipToLast(lines);
        var read = new MemoryStream();
        files.PrintTo(new LogPrinter(read, Stream.Null, LogFormat.Cri));
        Assert.Equal(wanted, Encoding.ASCII.GetString(read.ToArray()));
    }

    [Fact]
    public void What_a_kill_leaves_of_a_record_is_removed_before_the_next_is_written()
    {
        using (var log = Open(null)) Write(log, "one\n");
        File.AppendAllText(Log, "2026-11-30T18:07:30.12345");
        using var files = new LogFiles(Log, LogFormat.Cri);
        var read = new MemoryStream();
        var printer = new LogPrinter(read, Stream.Null, LogFormat.Cri);
        files.PrintTo(printer); // a reader waits for the rest, too
        using (var log = Open(null)) Write(log, "two\n");
        files.PrintTo(printer);
        Assert.Equal(["F one", "F two"], Records());
        Assert.Equal("one\ntwo\n", Encoding.ASCII.GetString(read.ToArray()));
    }

    private LogStream Open(long? size) => LogStream.Open(
        new LogTarget(Log, size, 1000) { Format = LogFormat.Cri }, _reported.Add, new StoppedClock());

    private static void Write(LogStream log, string text) => Write(log, Encoding.ASCII.GetBytes(text));

    private static void Write(LogStream log, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[log.TryWrite(bytes)!.Value..];
    }

    private List<string> Files() => [.. LogTarget.RotatedFiles(Log).Reverse(), Log];

    private IEnumerable<string> Records() =>
        Files().SelectMany(File.ReadLines).Select(l => l[CriRecord.TagAt..]);

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() =>
            new DateTimeOffset(2026, 11, 30, 18, 7, 30, TimeSpan.Zero).AddTicks(1234567);
    }
}
