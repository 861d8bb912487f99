using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// Our shim under real containerds, private to the test: Debian's, and the newer one that ./test fetches. Each with its own ctr.
/// </summary>
public sealed class ContainerdShimTests : IAsyncLifetime
{
    private const string Runtime = "io.containerd.supervisor.v2";
    private readonly OciRuntime _oci = new();
    private readonly string _namespace = NewId();
    private ContainerdProcess _containerd = null!;
    private string _ctr = "ctr";

    /// <summary>Directories of programs; empty for the installed ones.</summary>
    public static TheoryData<string> Containerds =>
        Environment.GetEnvironmentVariable("SUPERVISOR_CONTAINERD") is { Length: > 0 } newer ? ["", newer] : [""];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_containerd is not null)
        {
            foreach (var id in (await Ctr("tasks", "ls", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                await Ctr("tasks", "delete", "--force", id);
            foreach (var id in (await Ctr("containers", "ls", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                await Ctr("containers", "rm", id);
            await _containerd.DisposeAsync();
        }
        _oci.Dispose();
        foreach (var directory in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(d => Path.Join(d, _namespace)).Where(Directory.Exists))
            Directory.Delete(directory);
    }

    [Theory]
    [MemberData(nameof(Containerds))]
    public async Task Run_prints_and_exits_like_its_program(string programs)
    {
        await StartAsync(programs);
        Assert.Equal("hello\n", Ok(await Run("r1", "/bin/echo", "hello")));
        Assert.Equal(42, (await Run("r2", "/bin/sh", "-c", "exit 42")).Status);
        Fails(await Run("r3", "/nonexistent"), 1, "/nonexistent: no such file or directory");
        var terminal = await CommandLine.RunAsync("script", "-qec",
            $"{_ctr} -a {_containerd.Address} -n {_namespace} run --rm -t --runtime {Runtime} --rootfs {_oci.Rootfs} r4 /bin/tty",
            "/dev/null");
        Assert.Contains("/dev/pts/0", terminal.Output, StringComparison.Ordinal);
        var log = Path.Join(_oci.Place, "r5.log");
        Ok(await Ctr("run", "-d", "--log-uri", $"file://{log}", "--runtime", Runtime, "--rootfs", _oci.Rootfs, "r5",
            "/bin/echo", "logged"));
        await Eventually.IsTrue(() => File.Exists(log) && File.ReadAllText(log) == "logged\n");
        await Eventually.IsTrue(async () => Regex.IsMatch(Ok(await Ctr("tasks", "ls")), @"r5 +\d+ +STOPPED"));
        Ok(await Ctr("tasks", "rm", "r5"));
        Ok(await Ctr("containers", "rm", "r5"));
        await AssertNothingIsLeft();
    }

    [Theory]
    [MemberData(nameof(Containerds))]
    public async Task A_container_of_an_image_has_its_root_mounted(string programs)
    {
        await StartAsync(programs);
        var image = Path.Join(_oci.Place, "image");
        Ok(await CommandLine.RunAsync(
            "bash", Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", "mkimage.sh"), image));
        var imported = Ok(await Ctr("images", "import", Path.Join(image, "image.tar")));
        var name = Regex.Match(imported, @"docker\.io/\S+?:\w+").Value;
        Assert.Equal("x\n", Ok(await Ctr("run", "--rm", "--runtime", Runtime, name, "i1", "sh", "-c", "echo x >/w && cat /w")));
        await AssertNothingIsLeft();
    }

    [Theory]
    [MemberData(nameof(Containerds))]
    public async Task A_task_outlives_containerd_and_its_exit_meanwhile_is_found(string programs)
    {
        await StartAsync(programs);
        Ok(await Detached("c1", "trap 'exit 5' TERM; while :; do sleep 0.1; done"));
        Ok(await Detached("c2", "trap 'exit 6' TERM; while :; do sleep 0.1; done"));
        Assert.Equal("ex\n", Ok(await Ctr("tasks", "exec", "--exec-id", "e1", "c1", "/bin/echo", "ex")));
        Assert.Equal(7, (await Ctr("tasks", "exec", "--exec-id", "e2", "c1", "/bin/sh", "-c", "exit 7")).Status);
        Fails(await Ctr("tasks", "exec", "--exec-id", "e3", "c1", "/nonexistent"), 1, "no such file or directory");
        Assert.Matches(@"PID +INFO\n\d+", Ok(await Ctr("tasks", "ps", "c1")));
        Ok(await Ctr("tasks", "pause", "c1"));
        Assert.Matches(@"c1 +\d+ +PAUSED", Ok(await Ctr("tasks", "ls")));
        Ok(await Ctr("tasks", "resume", "c1"));
        Assert.Matches(@"pids\.current +[1-9]", Ok(await Ctr("tasks", "metrics", "c1")));
        var (first, second) = (await PidOf("c1"), await PidOf("c2"));

        await _containerd.KillAsync();
        using (var process = Process.GetProcessById(second))
        {
            Ok(await CommandLine.RunAsync("kill", "-TERM", $"{second}")); // while no containerd is there
            await Eventually.IsTrue(() => !RunningProcess.Exists(second));
        }
        await _containerd.StartAsync();

        Assert.Equal(first, await PidOf("c1"));
        await Eventually.IsTrue(async () => Regex.IsMatch(Ok(await Ctr("tasks", "ls")), @"c2 +\d+ +STOPPED"));
        Assert.Equal("again\n", Ok(await Ctr("tasks", "exec", "--exec-id", "e4", "c1", "/bin/echo", "again")));
        Ok(await Ctr("tasks", "kill", "c1"));
        await Eventually.IsTrue(async () => Regex.IsMatch(Ok(await Ctr("tasks", "ls")), @"c1 +\d+ +STOPPED"));
        foreach (var (id, status) in (ReadOnlySpan<(string, int)>)[("c1", 5), ("c2", 6)])
        {
            var deleted = Ctr("tasks", "rm", id).GetAwaiter().GetResult();
            Assert.Contains($"code {status}", deleted.Output + deleted.Errors, StringComparison.Ordinal);
            Ok(Ctr("containers", "rm", id).GetAwaiter().GetResult());
        }
        await AssertNothingIsLeft();
    }

    [Theory]
    [MemberData(nameof(Containerds))]
    public async Task Events_are_those_of_runcs_shim_in_its_order(string programs)
    {
        await StartAsync(programs);
        Dictionary<string, string[]> seen = [];
        foreach (var runtime in (string[])[Runtime, "io.containerd.runc.v2"])
        {
            using var events = Start(_ctr, "-a", _containerd.Address, "-n", _namespace, "events");
            var lines = new List<string>();
            var reading = Task.Run(async () =>
            {
                while (await events.StandardOutput.ReadLineAsync() is { } line) lock (lines) lines.Add(line);
            });
            // An event that is seen proves the subscription.
            await Eventually.IsTrue(async () =>
            {
                await Ctr("containers", "create", "--rootfs", _oci.Rootfs, "probe");
                await Ctr("containers", "rm", "probe");
                lock (lines) return lines.Count > 0;
            });
            Ok(await Ctr("run", "-d", "--runtime", runtime, "--rootfs", _oci.Rootfs, "v1", "/bin/sleep", "1000"));
            Ok(await Ctr("tasks", "exec", "--exec-id", "e1", "v1", "/bin/true"));
            Ok(await Ctr("tasks", "pause", "v1"));
            Ok(await Ctr("tasks", "resume", "v1"));
            Ok(await Ctr("tasks", "kill", "-s", "SIGKILL", "v1"));
            await Eventually.IsTrue(async () => Regex.IsMatch(Ok(await Ctr("tasks", "ls")), @"v1 +\d+ +STOPPED"));
            await Ctr("tasks", "rm", "v1");
            Ok(await Ctr("containers", "rm", "v1"));
            await Eventually.IsTrue(() =>
            {
                lock (lines) return lines.Any(l => l.Contains("/tasks/delete", StringComparison.Ordinal));
            });
            events.Kill();
            await reading;
            seen[runtime] = [.. lines.Select(l => Regex.Match(l, "/tasks/[a-z-]+").Value).Where(t => t.Length > 0)];
        }
        Assert.Equal(seen["io.containerd.runc.v2"], seen[Runtime]);
        Assert.Contains("/tasks/exec-started", seen[Runtime]);
    }

    [Theory]
    [MemberData(nameof(Containerds))]
    public async Task A_killed_shim_leaves_no_container(string programs)
    {
        await StartAsync(programs);
        Ok(await Detached("k1", "while :; do sleep 0.1; done"));
        var pid = await PidOf("k1");
        using (var shim = Process.GetProcessById(_containerd.Shims().Single())) shim.Kill();
        await Eventually.IsTrue(() => !RunningProcess.Exists(pid));
        await Eventually.IsTrue(async () => !Ok(await Ctr("tasks", "ls")).Contains("RUNNING", StringComparison.Ordinal));
        await Ctr("tasks", "rm", "-f", "k1");
        Ok(await Ctr("containers", "rm", "k1"));
        await AssertNothingIsLeft();
    }

    [CriuFact]
    public async Task A_task_is_checkpointed_into_an_image_and_restored()
    {
        await StartAsync("");
        var image = Path.Join(_oci.Place, "image");
        Ok(await CommandLine.RunAsync(
            "bash", Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", "mkimage.sh"), image));
        var name = Regex.Match(Ok(await Ctr("images", "import", Path.Join(image, "image.tar"))), @"docker\.io/\S+?:\w+").Value;
        Ok(await Ctr("run", "-d", "--runtime", Runtime, name, "p1", "/bin/sh", "-c", "while :; do sleep 0.1; done"));
        Ok(await Ctr("containers", "checkpoint", "--rw", "--task", "--image", "p1", "localhost/kept:1"));
        Ok(await Ctr("tasks", "kill", "-s", "SIGKILL", "p1"));
        await Eventually.IsTrue(async () => Regex.IsMatch(Ok(await Ctr("tasks", "ls")), @"p1 +\d+ +STOPPED"));
        await Ctr("tasks", "rm", "p1");
        Ok(await Ctr("containers", "rm", "p1"));
        Ok(await Ctr("containers", "restore", "--live", "p1", "localhost/kept:1"));
        Assert.Matches(@"p1 +\d+ +RUNNING", Ok(await Ctr("tasks", "ls")));
    }

    private async Task StartAsync(string programs)
    {
        _ctr = programs.Length > 0 ? Path.Join(programs, "ctr") : "ctr";
        _containerd = new ContainerdProcess(_oci.Place, programs.Length > 0 ? Path.Join(programs, "containerd") : "containerd");
        await _containerd.StartAsync();
    }

    /// <summary>No shim, no bundle, no mount.</summary>
    private async Task AssertNothingIsLeft()
    {
        await Eventually.IsTrue(() => !_containerd.Shims().Any());
        var bundles = Path.Join(_oci.Place, "containerd", "state", "io.containerd.runtime.v2.task", _namespace);
        await Eventually.IsTrue(() => !Directory.Exists(bundles) || Directory.GetFileSystemEntries(bundles).Length == 0);
        Assert.DoesNotContain(bundles, await File.ReadAllTextAsync("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    private async Task<int> PidOf(string id) => int.Parse(
        Regex.Match(Ok(await Ctr("tasks", "ls")), $@"{id} +(\d+) +RUNNING").Groups[1].Value, CultureInfo.InvariantCulture);

    private Task<CommandLine.Outcome> Run(string id, params string[] command) =>
        Ctr(["run", "--rm", "--runtime", Runtime, "--rootfs", _oci.Rootfs, id, .. command]);

    private Task<CommandLine.Outcome> Detached(string id, string command) =>
        Ctr("run", "-d", "--runtime", Runtime, "--rootfs", _oci.Rootfs, id, "/bin/sh", "-c", command);

    private async Task<CommandLine.Outcome> Ctr(params string[] arguments) =>
        await CommandLine.RunAsync(_ctr, ["-a", _containerd.Address, "-n", _namespace, .. arguments]);
}
