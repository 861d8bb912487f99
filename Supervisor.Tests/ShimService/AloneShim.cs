using System.Diagnostics;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.ShimService;

/// <summary><c>supervisor-shim --id ID --bundle DIR</c>: a shim without a daemon, with a container to create.</summary>
internal sealed class AloneShim : IAsyncDisposable
{
    private static int _last;
    private Process _process;

    private AloneShim(DirectoryInfo place, Process process) => (Place, _process) = (place.FullName, process);

    public string Place { get; }

    public string Bundle => Path.Join(Place, "bundle");

    public string State => Path.Join(Place, "state");

    public string Id { get; private init; } = "";

    public string Socket { get; private init; } = "";

    public int Pid => _process.Id;

    /// <summary>Where the container's cgroups are.</summary>
    public static string Namespace { get; } = $"alone{Environment.ProcessId}";

    public static async Task<AloneShim> StartAsync(params string[] arguments)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-alone-");
        Directory.CreateDirectory(Path.Join(place.FullName, "bundle", "rootfs"));
        await File.WriteAllBytesAsync(Path.Join(place.FullName, "bundle", "config.json"), ServiceLife.SpecWith(place.FullName));
        var id = $"c{Interlocked.Increment(ref _last)}";
        var process = Begin(place.FullName, id, arguments);
        return new AloneShim(place, process) { Id = id, Socket = await SocketOf(process) };
    }

    /// <summary>kill -9, and another one of the same id.</summary>
    public async Task KillAndStartAgainAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = Begin(Place, Id, []);
        Assert.Equal(Socket, await SocketOf(_process));
    }

    private static Process Begin(string place, string id, string[] arguments) => CommandLine.Start(
        "sh", // the widest umask: modes must not depend on it
        ["-c", "umask 0; exec \"$0\" \"$@\"", Path.Join(Repository.Bin, "supervisor-shim"), "--id", id,
            "--bundle", Path.Join(place, "bundle"), "--namespace", Namespace, "--state", Path.Join(place, "state"),
            .. arguments]);

    private static async Task<string> SocketOf(Process process)
    {
        var socket = await process.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience);
        if (socket is null) Assert.Fail(await process.StandardError.ReadToEndAsync());
        return socket;
    }

    /// <summary>The request that creates its container.</summary>
    public object Create(string id = "", string checkpoint = "") => new
    {
        id = id.Length > 0 ? id : Id, bundle = Bundle, checkpoint,
        rootfs = new object[]
        {
            new { type = "tmpfs", source = "tmpfs" },
            new { type = "overlay", source = "overlay", options = (string[])["ro", "lowerdir=/:rootfs"] },
        },
    };

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        await RemoveCgroups();
        Directory.Delete(Place, recursive: true);
    }

    /// <summary>Of a failed test; a shim that exits has removed its own.</summary>
    private async Task RemoveCgroups()
    {
        foreach (var cgroup in ((string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
            .Select(tree => Path.Join(tree, Namespace, Id)).Where(Directory.Exists))
        {
            foreach (var pid in await File.ReadAllLinesAsync(Path.Join(cgroup, "cgroup.procs")))
                await CommandLine.RunAsync("kill", "-KILL", pid);
            await Eventually.IsTrue(() => File.ReadAllText(Path.Join(cgroup, "cgroup.procs")).Length == 0);
            Directory.Delete(cgroup);
        }
    }
}
