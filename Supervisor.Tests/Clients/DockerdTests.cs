using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>Debian's dockerd on our socket: the scripts hold on containerd as they hold here.</summary>
public sealed class DockerdTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        ClientCgroup.RemoveIfEmpty("docker");
    }

    [Fact]
    public Task Docker_containers_live_on_our_daemon_as_on_containerd() => ClientScript.PassesAsync("dockerd-basic.sh", _daemon, 80);

    [Fact]
    public async Task Docker_containers_outlive_dockerd_and_our_daemon()
    {
        var directory = Directory.CreateTempSubdirectory("supervisor-live-").FullName;
        var pid = Path.Join(directory, "pid");
        await File.WriteAllTextAsync(pid, $"{_daemon.Pid}");
        var start = $"setsid '{CommandLine.Supervisor}' serve --address '{_daemon.Address}' --root '{_daemon.Root}' --state '{_daemon.State}' "
            + $">>'{directory}/log' 2>&1 </dev/null & echo $! >'{pid}'; until_ok 60 '{CommandLine.Supervisor}' --address '{_daemon.Address}' ps";
        string End(string signal) => $"kill -{signal} $(cat '{pid}'); for i in $(seq 300); do kill -0 $(cat '{pid}') 2>/dev/null || break; sleep 0.1; done";
        try
        {
            await ClientScript.PassesAsync("dockerd-live-restore.sh", _daemon, 50,
                $"DAEMON_START={start}", $"DAEMON_STOP={End("TERM")}", $"DAEMON_KILL={End("KILL")}");
        }
        finally
        {
            // What the script left running is a child of its shell, which is gone: ended as the script would.
            await CommandLine.RunAsync("bash", "-c", End("TERM"));
            Directory.Delete(directory, recursive: true);
        }
    }
}

/// <summary>The rest of docker's verbs, beside the first: cp, diff, export, commit, health checks, restart policies over a restart of dockerd.</summary>
public sealed class DockerFilesTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        ClientCgroup.RemoveIfEmpty("docker");
    }

    [Fact]
    public Task Files_and_health_of_docker_containers_are_as_on_containerd() => ClientScript.PassesAsync("dockerd-files.sh", _daemon, 38);
}
