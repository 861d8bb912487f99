using System.Globalization;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Debian's podman with supervisor-oci as its runtime, and with stores of the test's own.</summary>
public sealed class PodmanTests : IDisposable
{
    // Without CAP_SYS_RESOURCE no runtime can raise a hard limit to podman's defaults: ask for less.
    private static readonly string[] Common =
        ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=10000:10000", "--network", "none"];
    private readonly OciRuntime _oci = new();

    public void Dispose()
    {
        Podman("rm", "--all", "--force", "--time", "0").GetAwaiter().GetResult();
        CommandLine.RunAsync("sh", "-c", $"umount -l {_oci.Place}/podman/root/overlay 2>/dev/null; true").GetAwaiter()
            .GetResult();
        _oci.Dispose();
        ClientCgroup.RemoveIfEmpty("libpod_parent");
    }

    [Fact]
    public async Task Run_prints_and_exits_like_its_program()
    {
        Assert.Equal("hi\n", Ok(await Run([], "echo", "hi")));
        Assert.Equal(42, (await Run([], "sh", "-c", "exit 42")).Status);
        Assert.Equal(127, (await Run([], "nonexistent")).Status);
        Assert.Equal(126, (await Run([], "/etc")).Status);
        Assert.Equal("", Ok(await Podman("ps", "--all", "--quiet")));
    }

    [Fact]
    public async Task A_container_is_created_started_used_and_deleted()
    {
        Ok(await Podman(["run", "-d", "--name", "life", .. Common, "--rootfs", _oci.Rootfs, "sh", "-c",
            "echo started; trap 'exit 7' TERM; while :; do sleep 0.1; done"]));
        Assert.Equal("in\n", Ok(await Podman("exec", "life", "echo", "in")));
        Assert.Equal(9, (await Podman("exec", "life", "sh", "-c", "exit 9")).Status);
        Assert.Equal(127, (await Podman("exec", "life", "nonexistent")).Status);
        Assert.Equal("uid=1000 gid=1000\n/tmp\nb\n",
            Ok(await Podman("exec", "-u", "1000:1000", "-w", "/tmp", "-e", "A=b", "life", "sh", "-c", "id; pwd; echo $A")));
        Ok(await Podman("exec", "-d", "life", "touch", "/tmp/made"));
        Assert.Contains("started", Ok(await Podman("logs", "life")), StringComparison.Ordinal);
        Ok(await Podman("pause", "life"));
        Assert.Equal("paused\n", Ok(await Podman("inspect", "-f", "{{.State.Status}}", "life")));
        Ok(await Podman("unpause", "life"));
        Assert.Contains("life", Ok(await Podman("stats", "--no-stream", "life")), StringComparison.Ordinal);
        Assert.Contains("sh -c echo started", Ok(await Podman("top", "life")), StringComparison.Ordinal);
        Ok(await Podman("stop", "-t", "20", "life"));
        Assert.Equal("exited 7\n", Ok(await Podman("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life")));
        Ok(await Podman("start", "life"));
        Ok(await Podman("kill", "life"));
        Ok(await Podman("wait", "life"));
        Assert.Equal("137\n", Ok(await Podman("inspect", "-f", "{{.State.ExitCode}}", "life")));
        Ok(await Podman("rm", "-f", "life"));
    }

    [Fact]
    public async Task Run_and_exec_have_terminals_on_request()
    {
        var run = await CommandLine.RunAsync(
            "script", "-qec", Line(["run", "--rm", "-t", .. Common, "--rootfs", _oci.Rootfs, "tty"]), "/dev/null");
        Assert.Contains("/dev/pts/0", run.Output, StringComparison.Ordinal);
        Ok(await Podman(["run", "-d", "--name", "tty", .. Common, "--rootfs", _oci.Rootfs, "sleep", "1000"]));
        var exec = await CommandLine.RunAsync("script", "-qec", Line(["exec", "-t", "tty", "tty"]), "/dev/null");
        Assert.Contains("/dev/pts/0", exec.Output, StringComparison.Ordinal);
    }

    [CriuFact]
    public async Task A_container_is_checkpointed_and_restored()
    {
        Ok(await Podman(["run", "-d", "--name", "kept", .. Common, "--rootfs", _oci.Rootfs, "sh", "-c",
            "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"]));
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (await Last() < 3) deadline.Token.ThrowIfCancellationRequested();
        Ok(await WithCriu("container", "checkpoint", "kept"));
        Assert.Contains("Exited", Ok(await Podman("ps", "--all", "--format", "{{.Status}}")), StringComparison.Ordinal);
        var written = await Last();
        Ok(await WithCriu("container", "restore", "kept"));
        while (await Last() < written + 3) deadline.Token.ThrowIfCancellationRequested();
        var all = await Numbers();
        Assert.Equal(Enumerable.Range(1, all.Length), all);

        async Task<int> Last() => (await Numbers()) is [.., var last] ? last : 0;
        async Task<int[]> Numbers() =>
            [.. Ok(await Podman("logs", "kept")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
    }

    [Fact]
    public async Task Limits_users_capabilities_mounts_and_sysctls_are_as_requested()
    {
        Assert.Equal("67108864\n",
            Ok(await Run(["--memory", "64m"], "sh", "-c",
            "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max")));
        Assert.StartsWith("uid=1234 gid=5678", Ok(await Run(["--user", "1234:5678"], "id")), StringComparison.Ordinal);
        Fails(await Run(["--read-only"], "touch", "/x"), 1, "Read-only file system");
        Assert.Contains("CapEff:\t0000000000000000", Ok(await Run(["--cap-drop", "all"], "grep", "CapEff", "/proc/self/status")),
            StringComparison.Ordinal);
        Assert.Contains("size=1024k", Ok(await Run(["--tmpfs", "/mnt:size=1m"], "grep", "/mnt", "/proc/mounts")),
            StringComparison.Ordinal);
        var volume = Directory.CreateDirectory(Path.Join(_oci.Place, "volume")).FullName;
        Ok(await Run(["-v", $"{volume}:/vol"], "sh", "-c", "echo from inside > /vol/file"));
        Assert.Equal("from inside\n", await File.ReadAllTextAsync(Path.Join(volume, "file")));
        Assert.Equal("here\n", Ok(await Run(["--hostname", "here"], "cat", "/proc/sys/kernel/hostname")));
        Assert.Equal("65536\n", Ok(await Run(["--sysctl", "kernel.msgmax=65536"], "cat", "/proc/sys/kernel/msgmax")));
        Assert.Equal(137, (await Run(
            ["--memory", "16m", "--memory-swap", "16m"], "sh", "-c",
            "x=$(dd if=/dev/zero bs=1M count=100 | tr '\\0' a)")).Status);
    }

    [Fact]
    public async Task Podmans_init_reaps_orphans_and_forwards_signals()
    {
        Ok(await Podman(["run", "-d", "--init", "--name", "init", .. Common, "--rootfs", _oci.Rootfs, "sh", "-c",
            "trap 'exit 9' TERM; (sleep 0.2 &); while :; do sleep 0.1; done"]));
        Assert.Contains("podman-init", Ok(await Podman("exec", "init", "cat", "/proc/1/cmdline")), StringComparison.Ordinal);
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (Ok(await Podman("exec", "init", "ps")).Contains("[sleep]", StringComparison.Ordinal))
            deadline.Token.ThrowIfCancellationRequested();
        Ok(await Podman("stop", "-t", "20", "init"));
        Assert.Equal("9\n", Ok(await Podman("inspect", "-f", "{{.State.ExitCode}}", "init")));
    }

    [Fact]
    public async Task A_health_check_runs_in_the_container_and_sets_its_status()
    {
        Ok(await Podman(["run", "-d", "--name", "health", "--health-cmd", "test -e /tmp/well", "--health-interval", "disable",
            "--health-retries", "1", .. Common, "--rootfs", _oci.Rootfs, "sleep", "1000"]));
        Assert.Equal(1, (await Podman("healthcheck", "run", "health")).Status);
        Assert.Equal("unhealthy\n", Ok(await Podman("inspect", "-f", "{{.State.Health.Status}}", "health")));
        Ok(await Podman("exec", "health", "touch", "/tmp/well"));
        Ok(await Podman("healthcheck", "run", "health"));
        Assert.Equal("healthy\n", Ok(await Podman("inspect", "-f", "{{.State.Health.Status}}", "health")));
    }

    private Task<CommandLine.Outcome> Run(string[] options, params string[] command) =>
        Podman(["run", "--rm", .. Common, .. options, "--rootfs", _oci.Rootfs, .. command]);

    private async Task<CommandLine.Outcome> Podman(params string[] arguments)
    {
        // conmon keeps the streams of the process that starts a detached container.
        if (arguments is not ["run", "-d", ..]) return await CommandLine.RunAsync("podman", [.. Stores, .. arguments]);
        return await CommandLine.RunAsync(
            "sh", ["-c", "exec \"$@\" >\"$0\" 2>&1", Path.Join(_oci.Place, "detached.log"), "podman", .. Stores, .. arguments]);
    }

    /// <summary>podman itself looks for a program of that name.</summary>
    private Task<CommandLine.Outcome> WithCriu(params string[] arguments) => CommandLine.RunAsync("env",
        [$"PATH={Path.GetDirectoryName(CheckpointOptions.DefaultCriu)}:{Environment.GetEnvironmentVariable("PATH")}", "podman",
            .. Stores, .. arguments]);

    private string[] Stores =>
    [
        "--root", $"{_oci.Place}/podman/root", "--runroot", $"{_oci.Place}/podman/run", "--tmpdir", $"{_oci.Place}/podman/tmp",
        "--storage-driver", "vfs",
        "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", Executable,
    ];

    private string Line(string[] arguments) =>
        string.Create(CultureInfo.InvariantCulture, $"podman {string.Join(' ', [.. Stores, .. arguments])}");
}
