using System.Diagnostics;
using System.Runtime.InteropServices;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Checkpointing;

/// <summary>Checkpoint and restore of containers, with the real criu on the real kernel.</summary>
public sealed class CheckpointTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int _last;
    private readonly TestContainers _containers = new();
    private readonly List<Container> _restored = [];
    private readonly Dictionary<Container, Spec> _specs = [];

    public void Dispose()
    {
        foreach (var one in _restored) one.End(Patience);
        _containers.Dispose();
    }

    [CriuFact]
    public async Task A_restored_counter_continues_where_it_was_and_its_exit_is_reported()
    {
        var (container, log) = Counting();
        var ended = Watch(container);
        container.Start(Deadline);
        await Reaches(log, 3);
        container.Checkpoint(Images("one"), Deadline);
        Assert.True(container.HasExited);
        Assert.Equal(137, (await ended.WaitAsync(Patience))!.Value.Code);
        var written = Last(log);
        var restored = Restore(container, log, Images("one"));
        var end = Watch(restored);
        Assert.Equal(Environment.ProcessId, ParentOf(restored.Pid));
        await Reaches(log, written + 3);
        Assert.Equal(Enumerable.Range(1, Last(log)), Numbers(log)); // no number repeated or missing
        Assert.Contains(restored.Pid, restored.Cgroup.Processes());
        restored.Signal((int)Signal.SIGTERM);
        Assert.Equal(7, (await end.WaitAsync(Patience))!.Value.Code);
    }

    [CriuFact]
    public async Task Leave_running_keeps_the_container_and_a_restored_copy_starts_from_the_checkpoint()
    {
        var (container, log) = Counting();
        container.Start(Deadline);
        await Reaches(log, 3);
        container.Checkpoint(Images("left") with { LeaveRunning = true }, Deadline);
        var written = Last(log);
        await Reaches(log, written + 3);
        Assert.False(container.HasExited);
        container.End(Patience);
        var other = Path.Join(_containers.Place, "other.log");
        var restored = Restore(container, other, Images("left"));
        await Reaches(other, written + 2);
        Assert.InRange(Numbers(other)[0], 2, written + 1);
        Assert.False(restored.HasExited);
    }

    [CriuFact]
    public async Task A_pre_dump_keeps_the_container_running_and_is_the_parent_of_the_next_dump()
    {
        var (container, log) = Counting();
        container.Start(Deadline);
        await Reaches(log, 2);
        if (!await TracksMemory())
        {
            // Without CONFIG_MEM_SOFT_DIRTY a pre-dump fails: the error says so, and the container keeps running.
            var e = Assert.Throws<CheckpointException>(
                () => container.Checkpoint(Images("parent") with { PreDump = true }, Deadline));
            Assert.Contains("Tracking memory is not available", e.Message, StringComparison.Ordinal);
            await Reaches(log, Last(log) + 2);
            return;
        }
        container.Checkpoint(Images("parent") with { PreDump = true }, Deadline);
        Assert.False(container.HasExited);
        await Reaches(log, Last(log) + 2);
        container.Checkpoint(Images("child") with { ParentDirectory = "../parent" }, Deadline);
        Assert.Equal("../parent", new FileInfo(Path.Join(Images("child").ImageDirectory, "parent")).LinkTarget);
        var written = Last(log);
        Restore(container, log, Images("child"));
        await Reaches(log, written + 2);
    }

    [CriuFact]
    public async Task Output_to_a_FIFO_continues_in_the_FIFO_of_the_restore()
    {
        var (first, second) = (Fifo("first"), Fifo("second"));
        await using var reader = new FileStream(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        var (container, _) = Make(Counter, new StdioTargets("", first, "", false));
        container.Start(Deadline);
        using var lines = new StreamReader(reader);
        Assert.Equal("1", await lines.ReadLineAsync(Deadline));
        Assert.Equal("2", await lines.ReadLineAsync(Deadline));
        container.Checkpoint(Images("fifo"), Deadline);
        await using var other = new FileStream(second, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        using var rest = new StreamReader(other);
        Restore(container, new StdioTargets("", second, "", false), Images("fifo"));
        Assert.InRange(int.Parse((await rest.ReadLineAsync(Deadline))!), 2, 100);
    }

    [CriuFact]
    public async Task A_terminal_is_restored_and_its_master_is_relayed()
    {
        var (first, second) = (Fifo("first"), Fifo("second"));
        var input = Fifo("input");
        await using var reader = new FileStream(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        using var lines = new StreamReader(reader);
        var (container, _) = Make(
            TestContainers.Shell("sh", "-c", "echo ready; read x; echo got $x; tty; exit 5"),
                new StdioTargets("", first, "", true));
        container.Start(Deadline);
        Assert.Equal("ready", await lines.ReadLineAsync(Deadline));
        container.Checkpoint(Images("terminal"), Deadline);
        await using var other = new FileStream(second, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        using var rest = new StreamReader(other);
        var restored = Restore(container, new StdioTargets(input, second, "", true), Images("terminal"));
        var end = Watch(restored);
        await File.WriteAllTextAsync(input, "hello\n");
        var all = "";
        while (!all.Contains("/dev/pts/0", StringComparison.Ordinal)) all += await rest.ReadLineAsync(Deadline);
        Assert.Contains("got hello", all, StringComparison.Ordinal);
        Assert.Equal(5, (await end.WaitAsync(Patience))!.Value.Code);
    }

    [CriuFact]
    public async Task A_file_lock_is_checkpointed_on_request_and_held_after_the_restore()
    {
        var (container, log) = Make(TestContainers.Shell(
            "sh", "-c", "exec 9>/tmp/lock; flock 9; echo 1; while ! flock -n /tmp/lock true && [ ! -e /tmp/end ]; do sleep "
                + "0.1; i=$((i+1)); echo $((i+1)); done"));
        container.Start(Deadline);
        await Reaches(log, 2);
        var e = Assert.Throws<CheckpointException>(() => container.Checkpoint(Images("refused"), Deadline));
        Assert.Contains("--file-locks", e.Message, StringComparison.Ordinal);
        var criuLog = Path.Join(Images("refused").ImageDirectory, "dump.log");
        Assert.EndsWith($"; log file: {criuLog}", e.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(criuLog));
        await Reaches(log, Last(log) + 2); // it keeps running
        container.Checkpoint(Images("locks") with { FileLocks = true }, Deadline);
        var written = Last(log);
        Restore(container, log, Images("locks") with { FileLocks = true });
        await Reaches(log, written + 3); // no other process gets the lock
    }

    [CriuFact]
    public async Task A_dump_of_a_task_that_cannot_be_stopped_yet_is_retried()
    {
        // Its child is created as by vfork(2), but with memory of its own: the parent cannot be stopped before the child has
        // exited, which it does when it notices that it was stopped for a while itself.
        var clone = RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? 220 : 56;
        var program = $$"""
            $| = 1;
            sub up { open my $f, "<", "/proc/uptime"; (split / /, <$f>)[0] }
            print "1\n";
            if (!syscall({{clone}}, 0x4011, 0, 0, 0, 0)) { # CLONE_VFORK | SIGCHLD
                for (my $then = up(); up() - $then < 0.7;) { $then = up(); select(undef, undef, undef, 0.01) }
                exit
            }
            print "2\n";
            sleep 1000
            """;
        var (container, log) = Make(TestContainers.Shell("perl", "-e", program));
        container.Start(Deadline);
        await Reaches(log, 1);
        var clock = Stopwatch.StartNew();
        container.Checkpoint(Images("vfork"), Deadline);
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1),
            $"it was dumped at once, in {clock.Elapsed}: it was not in the state that this test is about");
        Assert.Equal([1, 2], Numbers(log));
        Restore(container, log, Images("vfork"));
    }

    [CriuFact]
    public async Task A_restore_that_fails_says_why_and_leaves_nothing()
    {
        var (container, log) = Counting();
        container.Start(Deadline);
        await Reaches(log, 2);
        container.Checkpoint(Images("broken"), Deadline);
        File.Delete(Path.Join(Images("broken").ImageDirectory, "pstree.img"));
        var request = Request(container, new StdioTargets("", $"file://{log}", "", false));
        var e = Assert.Throws<CheckpointException>(
            () => Container.Restore(_containers.Host, request, Images("broken"), Deadline));
        Assert.Contains("restore: criu failed: ", e.Message, StringComparison.Ordinal);
        var written = Path.Join(Images("broken").ImageDirectory, "restore.log");
        Assert.EndsWith($"; log file: {written}", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(request.Bundle));
        Assert.All(_containers.Host.Hierarchies.DirectoriesOf(request.DefaultCgroup).Values, d =>
            Assert.False(Directory.Exists(d), d));
    }

    [Fact]
    public async Task Without_criu_the_error_says_so_and_the_container_keeps_running()
    {
        var (container, log) = Counting();
        container.Start(Deadline);
        await Reaches(log, 1);
        var e = Assert.Throws<CheckpointException>(
            () => container.Checkpoint(Images("none") with { Criu = "/no/such/criu" }, Deadline));
        Assert.Contains("/no/such/criu", e.Message, StringComparison.Ordinal);
        await Reaches(log, Last(log) + 2);
    }

    private static CancellationToken Deadline => new CancellationTokenSource(Patience).Token;

    private static Spec Counter =>
        TestContainers.Shell("sh", "-c", "trap 'exit 7' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done");

    private CheckpointOptions Images(string name) => new() { ImageDirectory = Path.Join(_containers.Place, "images-" + name) };

    private (Container Container, string Log) Counting() => Make(Counter);

    private (Container Container, string Log) Make(Spec spec, StdioTargets? stdio = null)
    {
        var made = _containers.Create(spec, stdio: stdio);
        _specs[made.Container] = spec;
        return made;
    }

    private static Task<ExitStatus?> Watch(Container container)
    {
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        return exit.Task;
    }

    private Container Restore(Container from, string log, CheckpointOptions images) =>
        Restore(from, new StdioTargets("", $"file://{log}", "", false), images);

    private Container Restore(Container from, StdioTargets stdio, CheckpointOptions images)
    {
        var restored = Container.Restore(_containers.Host, Request(from, stdio), images, Deadline);
        _restored.Add(restored);
        return restored;
    }

    /// <summary>A second container with the same spec, under its own name.</summary>
    private ContainerRequest Request(Container from, StdioTargets stdio)
    {
        var name = $"supervisor-restored-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";
        var spec = SpecWriter.Write(_specs[from]);
        return new ContainerRequest(Path.Join(_containers.Place, name), spec, TestContainers.HostRoot, stdio, $"/{name}");
    }

    private string Fifo(string name)
    {
        var path = Path.Join(_containers.Place, name);
        using var made = System.Diagnostics.Process.Start("mkfifo", path);
        made.WaitForExit();
        return path;
    }

    private static int[] Numbers(string log) => [.. File.ReadAllLines(log).Where(l => l.Length > 0).Select(int.Parse)];

    private static int Last(string log) => Numbers(log) is [.., var last] ? last : 0;

    private static async Task Reaches(string log, int number)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (Last(log) < number) await Task.Delay(20, deadline.Token);
    }

    private static async Task<bool> TracksMemory()
    {
        var start = new System.Diagnostics.ProcessStartInfo(
            CheckpointOptions.DefaultCriu, ["check", "--feature", "mem_dirty_track"]) {
            RedirectStandardError = true, RedirectStandardOutput = true };
        using var check = System.Diagnostics.Process.Start(start)!;
        var errors = await check.StandardError.ReadToEndAsync(Deadline);
        await check.WaitForExitAsync(Deadline);
        Assert.True(check.ExitCode is 0 or 1, errors);
        return check.ExitCode == 0;
    }

    private static int ParentOf(int pid) =>
        int.Parse(File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("PPid:", StringComparison.Ordinal))[5..]);
}
