using System.Diagnostics;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Debian's real containerd, private to the test, with supervisor-oci in place of runc.</summary>
public sealed class ContainerdRuntimeTests : IAsyncLifetime
{
    private readonly OciRuntime _oci = new();
    private readonly string _namespace = NewId();
    private readonly ContainerdProcess _containerd;

    public ContainerdRuntimeTests() => _containerd = new ContainerdProcess(_oci.Place);

    private string Socket => _containerd.Address;

    public Task InitializeAsync() => _containerd.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var id in (await Ctr("tasks", "ls", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await Ctr("tasks", "delete", "--force", id);
        foreach (var id in (await Ctr("containers", "ls", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await Ctr("containers", "rm", id);
        await _containerd.DisposeAsync();
        _oci.Dispose();
        foreach (var directory in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(d => Path.Join(d, _namespace)).Where(Directory.Exists))
            Directory.Delete(directory);
        var left = $"/run/containerd/runc/{_namespace}";
        if (Directory.Exists(left)) Directory.Delete(left);
    }

    [Fact]
    public async Task Run_prints_and_exits_like_its_program()
    {
        Assert.Equal("hello\n", Ok(await Run("r1", "/bin/echo", "hello")));
        Assert.Equal(3, (await Run("r2", "/bin/sh", "-c", "exit 3")).Status);
        Fails(await Run("r3", "/bin/nonexistent"), 1, "no such file or directory");
        var terminal = await CommandLine.RunAsync("script", "-qec",
            $"ctr -a {Socket} -n {_namespace} run --rm -t --runc-binary {Executable} --rootfs {_oci.Rootfs} r4 /bin/tty",
                "/dev/null");
        Assert.Contains("/dev/pts/0", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_runs_an_exec_and_is_paused_resumed_killed_and_deleted()
    {
        Ok(await Ctr("run", "-d", "--runc-binary", Executable, "--rootfs", _oci.Rootfs, "t1", "/bin/sleep", "1000"));
        Assert.Equal("in\n", Ok(await Ctr("tasks", "exec", "--exec-id", "e1", "t1", "/bin/echo", "in")));
        Assert.Equal(6, (await Ctr("tasks", "exec", "--exec-id", "e2", "t1", "/bin/sh", "-c", "exit 6")).Status);
        Fails(await Ctr("tasks", "exec", "--exec-id", "e3", "t1", "/bin/nonexistent"), 1, "no such file or directory");
        Ok(await Ctr("tasks", "pause", "t1"));
        Assert.Matches(@"t1 +\d+ +PAUSED", Ok(await Ctr("tasks", "ls")));
        Ok(await Ctr("tasks", "resume", "t1"));
        Assert.Matches(@"t1 +\d+ +RUNNING", Ok(await Ctr("tasks", "ls")));
        Assert.Matches(@"PID +INFO\n\d+", Ok(await Ctr("tasks", "ps", "t1")));
        Assert.Contains("memory.usage", Ok(await Ctr("tasks", "metrics", "t1")), StringComparison.Ordinal);
        Ok(await Ctr("tasks", "kill", "-s", "SIGKILL", "t1"));
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (!Ok(await Ctr("tasks", "ls")).Contains("STOPPED", StringComparison.Ordinal))
            deadline.Token.ThrowIfCancellationRequested();
        await Ctr("tasks", "delete", "t1");
        Ok(await Ctr("containers", "rm", "t1"));
        Assert.Equal("", Ok(await Ctr("tasks", "ls", "-q")));
    }

    [CriuFact]
    public async Task A_task_is_checkpointed_into_a_directory_or_an_image_and_keeps_running()
    {
        Ok(await Ctr("run", "-d", "--runc-binary", Executable, "--rootfs", _oci.Rootfs, "c1", "/bin/sh", "-c",
            "while :; do sleep 0.1; done"));
        var images = Path.Join(_oci.Place, "images");
        Ok(await Ctr("tasks", "checkpoint", "--image-path", images, "--work-path", Path.Join(_oci.Place, "work"), "c1"));
        Assert.True(File.Exists(Path.Join(images, "inventory.img")));
        Assert.Contains("containerd.io/checkpoint/c1", Ok(await Ctr("tasks", "checkpoint", "c1")), StringComparison.Ordinal);
        Assert.Matches(@"c1 +\d+ +RUNNING", Ok(await Ctr("tasks", "ls")));
    }

    private Task<CommandLine.Outcome> Run(string id, params string[] command) =>
        Ctr(["run", "--rm", "--runc-binary", Executable, "--rootfs", _oci.Rootfs, id, .. command]);

    private async Task<CommandLine.Outcome> Ctr(params string[] arguments) =>
        await CommandLine.RunAsync("ctr", ["-a", Socket, "-n", _namespace, .. arguments]);
}
