using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>Debian's dockerd on our socket. The same scripts pass on containerd.</summary>
public sealed class DockerdTests : DockerdFixture
{
    [Fact]
    public Task Docker_containers_run_on_our_daemon_as_on_containerd() =>
        ClientScript.PassesAsync("dockerd-basic.sh", Daemon, 80);

    [Fact]
    public async Task Docker_containers_outlive_dockerd_and_our_daemon()
    {
        var directory = Directory.CreateTempSubdirectory("supervisor-live-").FullName;
        var pid = Path.Join(directory, "pid");
        await File.WriteAllTextAsync(pid, $"{Daemon.Pid}");
        var start = $"setsid '{CommandLine.Supervisor}' serve --address '{Daemon.Address}' --root '{Daemon.Root}' --state "
            + $"'{Daemon.State}' "
            + $">>'{directory}/log' 2>&1 </dev/null & echo $! >'{pid}'; until_ok 60 '{CommandLine.Supervisor}' --address "
                + $"'{Daemon.Address}' ps";
        string End(string signal) =>
            $"kill -{signal} $(cat '{pid}'); for i in $(seq 300); do kill -0 $(cat '{pid}') 2>/dev/null || break; sleep 0.1; "
            + "done";
        try
        {
            await ClientScript.PassesAsync("dockerd-live-restore.sh", Daemon, 50,
                $"DAEMON_START={start}", $"DAEMON_STOP={End("TERM")}", $"DAEMON_KILL={End("KILL")}");
        }
        finally
        {
            // The script leaves a daemon running, a child of its exited shell: stop it as the script does.
            await CommandLine.RunAsync("bash", "-c", End("TERM"));
            Directory.Delete(directory, recursive: true);
        }
    }
}

/// <summary>
/// More of docker's commands: cp, diff, export, commit, health checks, and restart policies across a restart of dockerd.
/// </summary>
public sealed class DockerFilesTests : DockerdFixture
{
    [Fact]
    public Task Files_and_health_checks_of_docker_containers_work_as_on_containerd() =>
        ClientScript.PassesAsync("dockerd-files.sh", Daemon, 38);
}
