using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Supervisor.Kernel.Processes;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// A daemon that runs in a cgroup of its own, with its shims and runtimes: what they take is measured there.
/// </summary>
internal sealed class Daemon : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Run _run;
    private readonly string _root, _state;
    private Process? _process;

    private Daemon(Run run, DaemonKind kind)
    {
        (_run, Kind) = (run, kind);
        var name = run.NewName("daemon");
        _root = Directory.CreateDirectory(Path.Combine(run.Root, name)).FullName;
        _state = Directory.CreateDirectory(Path.Combine(run.State, name)).FullName;
        Socket = Path.Combine(run.State, $"{name}.sock");
        Usage = new CgroupUsage(run.Cgroup, name);
        Client = NewClient();
    }

    public DaemonKind Kind { get; }

    public string Socket { get; }

    public ApiClient Client { get; }

    /// <summary>Of the daemon, its shims and its runtimes.</summary>
    public CgroupUsage Usage { get; }

    public static async Task<Daemon> StartAsync(Run run, DaemonKind kind, CancellationToken stop)
    {
        var daemon = new Daemon(run, kind);
        try
        {
            await daemon.StartAgainAsync(stop);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Another client of it.</summary>
    public ApiClient NewClient() => new(Socket, _run.Bundle.Directory, $"/{_run.Cgroup}", Kind.Runtime);

    /// <summary>Returns when it has answered a first call.</summary>
    public async Task StartAgainAsync(CancellationToken stop)
    {
        File.Delete(Socket);
        _process = Usage.Start(Kind.Command(_root, _state, Socket), Path.Combine(_root, "log"));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        while (!await IsListeningAsync())
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"{Kind.Name} exited with {_process.ExitCode}: {await LogAsync(stop)}");
            await Task.Delay(1, patience.Token);
        }
        while (true)
        {
            try
            {
                if (Kind != DaemonKind.GrpcAlone) await Client.VersionAsync();
                return;
            }
            catch (RpcException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(1, patience.Token); // containerd listens before all of its services are there
            }
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Containers that were not removed keep running: <see cref="Sandbox.SweepAsync"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_process is null) return;
        using (var pidfd = Pidfd.TryOpen(_process.Id)) pidfd?.TrySignal(Signal.SIGTERM);
        try
        {
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        }
        catch (TimeoutException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
        _process = null;
    }

    private async Task<bool> IsListeningAsync()
    {
        using var socket = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<string> LogAsync(CancellationToken stop) =>
        string.Join(' ', (await File.ReadAllLinesAsync(Path.Combine(_root, "log"), stop)).TakeLast(3));
}
