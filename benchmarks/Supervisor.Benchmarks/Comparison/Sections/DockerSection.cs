using System.Diagnostics;
using Supervisor.Kernel.Processes;

namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>docker run, with dockerd on our daemon and on containerd.</summary>
internal static class DockerSection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public static bool IsPossible => Peers.Has("dockerd") && Peers.Has("docker");

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var dockers = new List<Dockerd>();
        try
        {
            var archive = Path.Combine(run.Root, "image.tar");
            await Dockerd.RunAsync(["tar", "-C", run.Bundle.Rootfs, "-cf", archive, "."], stop);
            foreach (var each in daemons)
            {
                var docker = new Dockerd(run, each);
                dockers.Add(docker);
                await docker.ReadyAsync(archive, stop);
            }
            var times = await CommandTurns.RunAsync([.. dockers.Select(d => d.Client(
                "run", "--rm", "--network", "none", "--cgroup-parent", $"/{run.Cgroup}", "bench", "/bin/busybox", "true"))],
                Math.Max(5, run.Rounds / 5), stop);
            var table = new Table("docker run",
                "`docker run --rm --network none IMAGE true`, from fork to exit, with dockerd on our daemon and on containerd.",
                [.. daemons.Names.Select(n => $"dockerd on {n}")]);
            table.Add("wall time", times.Select(t => t.Wall));
            return [table];
        }
        finally
        {
            foreach (var each in dockers) await each.DisposeAsync();
        }
    }

    private sealed class Dockerd : IAsyncDisposable
    {
        // A wrapper of that name elsewhere in PATH would be measured too.
        private static readonly string Docker = File.Exists("/usr/bin/docker") ? "/usr/bin/docker" : Peers.PathOf("docker")!;
        private readonly string _socket, _log, _configuration;
        private readonly Process _process;

        public Dockerd(Run run, Daemon daemon)
        {
            var name = run.NewName("dockerd");
            var (root, state) = (Path.Combine(run.Root, name), Path.Combine(run.State, name));
            _configuration = Directory.CreateDirectory(Path.Combine(root, "client")).FullName;
            Directory.CreateDirectory(state);
            (_socket, _log) = ($"unix://{state}/socket", Path.Combine(root, "log"));
            var none = Path.Combine(root, "none.json");
            File.WriteAllText(none, "{}");
            _process = daemon.Usage.Start(
                [Peers.PathOf("dockerd")!, "--containerd", daemon.Socket, "--data-root", $"{root}/data",
                    "--exec-root", $"{state}/exec", "--pidfile", $"{state}/pid", "-H", _socket, "--config-file", none,
                    "--iptables=false", "--ip6tables=false", "--bridge=none"], _log);
        }

        public string[] Client(params string[] arguments) => [Docker, "--config", _configuration, "-H", _socket, .. arguments];

        public async Task ReadyAsync(string archive, CancellationToken stop)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(Patience);
            while (true)
            {
                try
                {
                    await RunAsync(Client("version"), patience.Token);
                    break;
                }
                catch (InvalidOperationException) when (!_process.HasExited)
                {
                    await Task.Delay(100, patience.Token);
                }
                catch (InvalidOperationException)
                {
                    throw new InvalidOperationException($"dockerd exited: {File.ReadLines(_log).LastOrDefault()}");
                }
            }
            await RunAsync(Client("import", archive, "bench"), stop);
        }

        public async ValueTask DisposeAsync()
        {
            using (var pidfd = Pidfd.TryOpen(_process.Id)) pidfd?.TrySignal(Signal.SIGTERM);
            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(15));
            }
            catch (TimeoutException)
            {
                _process.Kill();
            }
            _process.Dispose();
        }

        public static async Task RunAsync(string[] command, CancellationToken stop)
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
            await process.WaitForExitAsync(stop);
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{string.Join(' ', command)}: {await errors}{await output}");
        }
    }
}
