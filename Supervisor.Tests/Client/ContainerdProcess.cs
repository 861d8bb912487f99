using System.Diagnostics;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Client;

/// <summary>Debian's containerd, private to a test.</summary>
internal sealed class ContainerdProcess(string place) : IAsyncDisposable
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
        _process = CommandLine.Start("containerd", "--config", config);
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
    }
}
