using System.Diagnostics;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>A containerd, private to a test: Debian's, unless another is named.</summary>
internal sealed class ContainerdProcess(string place, string program = "containerd") : IAsyncDisposable
{
    private Process? _process;

    public string Address => Path.Join(place, "containerd.sock");

    /// <summary>Starts it, and returns when it serves.</summary>
    public async Task StartAsync()
    {
        var config = Path.Join(place, "config.toml");
        await File.WriteAllTextAsync(config, $"""
            version = 2
            root = "{place}/containerd/root"
            state = "{place}/containerd/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
            [grpc]
              address = "{Address}"
            """);
        // runc finds criu there alone, and containerd our shim.
        var criu = Path.GetDirectoryName(Environment.GetEnvironmentVariable("SUPERVISOR_CRIU"));
        _process = CommandLine.Start(program, ["--config", config], new Dictionary<string, string>
        {
            ["PATH"] = $"{criu}:{Repository.Bin}:{Environment.GetEnvironmentVariable("PATH")}".TrimStart(':'),
        });
        var log = _process.StandardError;
        while (await log.ReadLineAsync().WaitAsync(CommandLine.Patience) is { } line
            && !line.Contains("successfully booted", StringComparison.Ordinal)) { }
        _ = log.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>kill -9. Containers keep running: their shims do.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
        foreach (var pid in Shims()) await KillAsync(pid); // of a test that failed
    }

    /// <summary>The shims that serve this containerd.</summary>
    public IEnumerable<int> Shims() => Directory.GetDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0).Where(pid => pid > 0 && IsShim(pid));

    private bool IsShim(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Contains($"-address\0{Address}\0", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it has exited
        }
    }

    private static async Task KillAsync(int pid) => await CommandLine.RunAsync("kill", "-KILL", $"{pid}");
}
