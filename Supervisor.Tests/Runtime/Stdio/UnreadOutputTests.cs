using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Stdio;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Runtime.Stdio;

/// <summary>Output that a container leaves in its FIFO when it exits, and logs of limited size that we write for it.</summary>
public sealed class UnreadOutputTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_opens_after_the_exit_reads_all_and_end_of_file(bool terminal)
    {
        var (stdout, stderr) = (await Fifo("out"), await Fifo("err"));
        var container = await Run(new StdioTargets("", stdout, terminal ? "" : stderr, terminal), "echo out; echo err >&2");
        Assert.False(container.OutputFinished.IsCompleted);
        // Opened as cat does it: open waits for a writer, and reads wait for bytes or until the last writer closes.
        Assert.Equal(terminal ? "out\r\nerr\r\n" : "out\n", await Read(stdout));
        if (!terminal) Assert.Equal("err\n", await Read(stderr));
        await container.OutputFinished.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_waiting_reader_sees_end_of_file_when_the_output_is_closed_and_nothing_is_held()
    {
        var stdout = await Fifo("out");
        var reading = Read(stdout);
        var container = await Run(new StdioTargets("", stdout, "", false), "echo out; exec >/dev/null; sleep 0.2");
        Assert.Equal("out\n", await reading);
        await container.OutputFinished.WaitAsync(Patience);
    }

    [Fact]
    public async Task Unread_output_is_discarded_with_the_container()
    {
        var stdout = await Fifo("out");
        var container = await Run(new StdioTargets("", stdout, "", false), "echo out");
        container.End(Patience);
        await container.OutputFinished.WaitAsync(Patience);
        // A FIFO keeps its bytes as long as any process has it open: also a child cloned by another test, until its exec.
        await Eventually.IsTrue(() => !IsOpen(stdout));
        Assert.Equal("none",
            await Shell($"exec 3<>{stdout}; timeout 0.2 cat <&3 >{stdout}.rest; test -s {stdout}.rest || echo none"));
    }

    [Fact]
    public async Task Both_streams_are_written_to_one_log_of_limited_size_in_order()
    {
        var log = Path.Join(_containers.Place, "c.log");
        await Run(new StdioTargets("", $"file://{log}?max-size=4k&max-files=1000", "", false),
            "i=0; while [ $i -lt 3000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done");
        var files = LogTarget.RotatedFiles(log).Reverse().Append(log).ToList();
        Assert.True(files.Count > 5);
        Assert.All(files, f => Assert.InRange(new FileInfo(f).Length, 1, 4096));
        Assert.Equal(Enumerable.Range(0, 3000).SelectMany(i => (string[])[$"o{i}", $"e{i}"]),
            string.Concat(files.Select(File.ReadAllText)).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task The_output_of_a_terminal_is_written_to_a_log_of_limited_size()
    {
        var log = Path.Join(_containers.Place, "t.log");
        await Run(new StdioTargets("", $"file://{log}?max-size=4k&max-files=1000", "", true),
            "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done");
        var files = LogTarget.RotatedFiles(log).Reverse().Append(log).ToList();
        Assert.True(files.Count > 1);
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"{i}"), string.Concat(files.Select(File.ReadAllText))
            .Split("\r\n", StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Both_streams_share_a_log_of_records()
    {
        var log = Path.Join(_containers.Place, "r.log");
        var container = await Run(new StdioTargets("", $"file://{log}?format=cri&max-size=4k&max-files=100", "", false),
            "i=0; while [ $i -lt 2000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; printf end");
        await container.OutputFinished.WaitAsync(Patience); // the exit waits a second for it
        var files = LogTarget.RotatedFiles(log).Reverse().Append(log).ToList();
        Assert.All(files, f => Assert.InRange(new FileInfo(f).Length, 1, 4096));
        var lines = files.SelectMany(File.ReadLines).Select(l => l.Split(' ', 4)).ToList();
        Assert.All(lines, l => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$", l[0]));
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"o{i}F").Append("endP"),
            lines.Where(l => l[1] == "stdout").Select(l => l[3] + l[2]));
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"e{i}F"),
            lines.Where(l => l[1] == "stderr").Select(l => l[3] + l[2]));
    }

    [Fact]
    public async Task A_line_is_whole_in_a_log_of_records_unless_its_writer_pauses()
    {
        var log = Path.Join(_containers.Place, "w.log");
        await Run(new StdioTargets("", $"file://{log}?format=cri", "", false),
            "printf 'name: '; sleep 1; echo given; head -c 200000 /dev/zero | tr '\\0' x | fold -w 999; echo");
        var records = File.ReadLines(log).Select(l => l.Split(' ', 4)).ToList();
        Assert.Equal(["Pname: ", "Fgiven"], records.Take(2).Select(r => r[2] + r[3]));
        var wide = records.Skip(2).Select(r => r[2] + r[3].Length).ToList();
        // fold writes pieces of lines, 4 KiB each: a pause after each of them cuts 49
        Assert.InRange(wide.Count(w => w == "F999"), 200 - 50, 200);
        Assert.Equal(200_000, records.Skip(2).Sum(r => r[3].Length));
    }

    private async Task<Container> Run(StdioTargets stdio, string script)
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sh", "-c", script), stdio: stdio);
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        Assert.Equal(0, (await exit.Task.WaitAsync(Patience))!.Value.Code);
        return container;
    }

    private static bool IsOpen(string path)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(p => char.IsAsciiDigit(p[^1])))
        {
            try
            {
                var descriptors = Directory.EnumerateFileSystemEntries(process + "/fd");
                if (descriptors.Any(fd => new FileInfo(fd).LinkTarget == path)) return true;
            }
            catch (IOException)
            {
                // It exited.
            }
        }
        return false;
    }

    private async Task<string> Fifo(string name)
    {
        var path = Path.Join(_containers.Place, name);
        await Shell($"mkfifo {path}");
        return path;
    }

    private static Task<string> Read(string fifo) => Task.Run(async () => (await CommandLine.RunAsync("cat", fifo)).Output);

    private static async Task<string> Shell(string script)
    {
        var outcome = await CommandLine.RunAsync("bash", "-c", script);
        Assert.Equal("", outcome.Errors);
        return outcome.Output.Trim();
    }
}
