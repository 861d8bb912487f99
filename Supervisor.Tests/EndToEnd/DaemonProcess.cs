using System.Diagnostics;
using System.Text.Json;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A daemon in its own process, with its own directories.</summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("supervisor-e2e-");
    private Process? _process;
    private Task<string>? _output;

    public string Address => Path.Join(_directory.FullName, "s");

    /// <summary>Below <see cref="Place"/>.</summary>
    public string RootName { get; set; } = "root";

    public string Root => Path.Join(_directory.FullName, RootName);

    /// <summary>Below <see cref="Place"/>.</summary>
    public string StateName { get; set; } = "state";

    public string State => Path.Join(_directory.FullName, StateName);

    /// <summary>Further arguments of <c>serve</c>.</summary>
    public string[] Arguments { get; set; } = [];

    /// <summary>A namespace that no other test uses: all daemons of a host share its cgroups.</summary>
    public string Namespace { get; } = $"t{System.Environment.ProcessId}x{Interlocked.Increment(ref _last)}";

    private static int _last;

    /// <summary>Environment of the daemon, in addition to ours.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>The shim's executable.</summary>
    public string Shim { get; set; } = "node";

    /// <summary>Overrides of the packaged configuration; null for none.</summary>
    public string? Config { get; set; }

    /// <summary>A command that executes the daemon in place, so that its pid is the daemon's.</summary>
    public string[] Wrapper { get; set; } = [];

    /// <summary>A directory that is removed with the daemon.</summary>
    public string Place => _directory.FullName;

    /// <summary>Called when the daemon has stopped, before its directories are removed.</summary>
    public Func<Task> AfterStop { get; set; } = () => Task.CompletedTask;

    public int Pid => _process!.Id;

    public bool HasExited => _process!.HasExited;

    public int ExitCode => _process!.ExitCode;

    /// <summary>The node shim's pid; null while there is none.</summary>
    public int? ShimPid => ShimsIn($"{State}/shim").Select(pid => (int?)pid).FirstOrDefault();

    /// <summary>The pids of all shims, the node's and containers' own.</summary>
    public IReadOnlyList<int> ShimPids => [.. ShimsIn($"{State}/shim"), .. ShimsIn($"{State}/shims/")];

    /// <summary>The pid of a container's own shim; null while there is none.</summary>
    public int? ShimPidOf(string id) => ShimsIn($"{State}/shims/{Namespace}/{id}").Select(pid => (int?)pid).FirstOrDefault();

    /// <param name="directory">The exact path, or a prefix if it ends with a slash.</param>
    private static List<int> ShimsIn(string directory) =>
        [.. Directory.GetDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0)
        .Where(pid => pid > 0
            && CommandLineOf(pid)
            .Contains($"serve\0--dir\0{directory}{(directory.EndsWith('/') ? "" : "\0")}", StringComparison.Ordinal))];

    public Task ExitedAsync() => _process!.WaitForExitAsync().WaitAsync(CommandLine.Patience);

    private static string CommandLineOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    public static async Task<DaemonProcess> StartAsync(string shim = "node")
    {
        var daemon = new DaemonProcess { Shim = shim };
        await daemon.RestartAsync();
        return daemon;
    }

    /// <summary>Starts the daemon, and returns when it answers.</summary>
    public async Task RestartAsync()
    {
        Begin();
        await Answers();
    }

    private async Task Answers()
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience; ;)
        {
            if ((await CommandLine.RunAsync(CommandLine.Supervisor, "--address", Address, "ps")).Status == 0) return;
            Assert.False(_process!.HasExited, "the daemon ended: " + (_process.HasExited ? await _output! : ""));
            Assert.True(DateTime.UtcNow < end, "the daemon does not answer");
        }
    }

    /// <summary>Starts a daemon that cannot start.</summary>
    /// <returns>Its standard error.</returns>
    public async Task<string> RefusesAsync()
    {
        Begin();
        await ExitedAsync();
        Assert.NotEqual(0, _process!.ExitCode);
        var said = await _output!;
        Assert.DoesNotContain("Unhandled exception", said, StringComparison.Ordinal);
        return said;
    }

    /// <summary>Sends SIGTERM and waits for the exit.</summary>
    public async Task StopAsync()
    {
        using var term = await Task.Run(() => Process.Start("kill", ["-TERM", $"{_process!.Id}"]));
        await term.WaitForExitAsync();
        await ExitedAsync();
    }

    /// <summary>Starts the daemon without waiting for it.</summary>
    public void Begin()
    {
        string[] command = [.. Wrapper, CommandLine.Supervisor];
        _process = CommandLine.Start(
            command[0], [.. command[1..], "serve", "--address", Address, "--root", Root, "--state", State, "--shim", Shim,
            .. Config is null ? (string[])[] : ["--config", Config], .. Arguments], Environment);
        _process.StandardInput.Close();
        _ = _process.StandardOutput.ReadToEndAsync();
        _output = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>One verb of the command line against this daemon.</summary>
    internal Task<CommandLine.Outcome> Do(params string[] verb) =>
        CommandLine.RunAsync(CommandLine.Supervisor, ["--address", Address, "--namespace", Namespace, .. verb]);

    /// <summary>The status of a container's task, as inspect prints it.</summary>
    public async Task<string> Status(string id) => (await Field(id, "status")).ToLowerInvariant();

    /// <summary>A field of a container's task, as inspect prints it.</summary>
    public async Task<string> Field(string id, string name)
    {
        var inspected = JsonDocument.Parse(CommandLine.Ok(await Do("inspect", id))).RootElement;
        if (inspected.ValueKind is JsonValueKind.Array) inspected = inspected[0];
        return inspected.GetProperty("task").GetProperty(name).ToString();
    }

    /// <summary>ctr against this daemon.</summary>
    internal Task<CommandLine.Outcome> Ctr(params string[] arguments) =>
        CommandLine.RunAsync("ctr", ["-a", Address, "-n", Namespace, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await EndAsync();
        }
        finally
        {
            await KillLeftoversAsync();
        }
    }

    private async Task EndAsync()
    {
        Arguments = [];
        var problem = _process!.HasExited && _process.ExitCode is not (137 or 0)
            ? $"the daemon exited with {_process.ExitCode}: {await _output!}" : null;
        if (_process.HasExited) Begin(); // the containers of a killed daemon must be removed
        await Answers();                 // it may still be starting
        foreach (var id in (await Do("ps", "-a", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await Do("rm", "-f", id);
        using (var term = await Task.Run(() => Process.Start("kill", ["-TERM", $"{_process.Id}"]))) await term.WaitForExitAsync();
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        await _process.WaitForExitAsync(deadline.Token);
        Assert.True(_process.ExitCode == 0, $"the daemon exited with {_process.ExitCode}: {await _output!}");
        _process.Dispose();
        _process = null;
        await AfterStop();
        _directory.Delete(recursive: true);
        Assert.True(problem is null, problem);
    }

    /// <summary>Cleans up after a failed test and its daemon, without hiding the test's own failure.</summary>
    private async Task KillLeftoversAsync()
    {
        // A daemon removes the cgroup of a namespace that it created itself; a killed one did not get to it.
        var cgroups = ((string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
            .Select(tree => Path.Join(tree, Namespace)).Where(Directory.Exists).ToList();
        var left = cgroups.SelectMany(c => Directory.GetFiles(c, "cgroup.procs", SearchOption.AllDirectories))
            .SelectMany(File.ReadLines).Select(int.Parse)
            .Concat(ShimPids).Concat(_process is { HasExited: false } daemon ? [daemon.Id] : []).Distinct().ToList();
        foreach (var pid in left)
        {
            using var kill = await Task.Run(() => Process.Start("kill", ["-KILL", $"{pid}"]));
            await kill.WaitForExitAsync();
        }
        for (var end = DateTime.UtcNow + CommandLine.Patience;
            left.Exists(pid => Directory.Exists($"/proc/{pid}")) && DateTime.UtcNow < end;) await Task.Delay(20);
        foreach (var cgroup in cgroups) RemoveCgroup(cgroup);
        if (Directory.Exists(Place) && left.Count > 0) _directory.Delete(recursive: true);
    }

    private static void RemoveCgroup(string directory)
    {
        foreach (var below in Directory.GetDirectories(directory)) RemoveCgroup(below);
        Directory.Delete(directory);
    }
}
