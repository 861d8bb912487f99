using System.Diagnostics;
using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>The daemon or the shim is killed once, and neither the container nor its client notices.</summary>
public sealed class ReattachTests
{
    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task An_exit_while_no_daemon_runs_keeps_its_status_and_its_time(string mode)
    {
        await using var daemon = await DaemonProcess.StartAsync(mode);
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "sh", "-c", "sleep 1; exit 7");
        await client.CreateTask("c");
        await client.Start("c");
        var shim = daemon.ShimPids.Single();
        await daemon.KillAsync();
        var ledger = Path.Join(daemon.State, mode is "node" ? "shim" : $"shims/{daemon.Namespace}/c", "exits");
        for (var end = DateTime.UtcNow + CommandLine.Patience;
            !File.ReadAllText(ledger).Contains("/c\t", StringComparison.Ordinal); await Task.Delay(20)) Assert.True(
            DateTime.UtcNow < end);
        var before = DateTime.UtcNow;
        await daemon.RestartAsync();
        Assert.Equal([shim], daemon.ShimPids);
        Assert.Equal(7u, await client.Wait("c"));
        var process = (await client.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, client.In())).Process;
        Assert.True(process.ExitedAt.ToDateTime() <= before,
            "the exit has the time at which it was reaped, not at which it happened");
        await client.Remove("c");
    }

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task An_exit_recorded_only_in_the_ledger_is_reported_by_the_next_shim(string mode)
    {
        await using var daemon = await DaemonProcess.StartAsync(mode);
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "sh", "-c", "sleep 1; exit 9");
        await client.CreateTask("c");
        await client.Start("c");
        var shim = daemon.ShimPids.Single();
        await daemon.KillAsync();
        var ledger = Path.Join(daemon.State, mode is "node" ? "shim" : $"shims/{daemon.Namespace}/c", "exits");
        for (var end = DateTime.UtcNow + CommandLine.Patience;
            !File.ReadAllText(ledger).Contains("/c\t", StringComparison.Ordinal); await Task.Delay(20)) Assert.True(
            DateTime.UtcNow < end);
        await StormTests.Signal("-KILL", shim);
        await daemon.RestartAsync();
        Assert.Equal(9u, await client.Wait("c"));
        await client.Remove("c");
    }

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task A_created_task_is_started_by_the_next_daemon_and_by_the_next_shim(string mode)
    {
        await using var daemon = await DaemonProcess.StartAsync(mode);
        using var client = new CrashClient(daemon);
        foreach (var id in (string[])["a", "b"])
        {
            await client.CreateContainer(id, "sh", "-c", "exit 5");
            await client.CreateTask(id);
        }
        await daemon.KillAsync();
        await daemon.RestartAsync();
        await client.Start("a");
        Assert.Equal(5u, await client.Wait("a"));
        await StormTests.Signal("-KILL", mode is "node" ? daemon.ShimPid!.Value : daemon.ShimPidOf("b")!.Value);
        await client.Start("b");
        // The shim was no longer the daemon's child: its orphans were reparented to the first process, and the kernel reports
        // their exits from Linux 6.15 on.
        Assert.Contains(await client.Wait("b"), (uint[])[5, 255]);
        await client.Remove("a");
        await client.Remove("b");
    }

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task A_task_that_can_no_longer_be_started_is_stopped_in_the_next_daemons_first_answer(string mode)
    {
        await using var daemon = await DaemonProcess.StartAsync(mode);
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "sleep", "1000");
        await client.CreateTask("c");
        var shim = daemon.ShimPids.Single();
        await daemon.KillAsync();
        await StormTests.Signal("-KILL", shim);
        await daemon.RestartAsync();
        var task = (await client.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, client.In())).Process;
        Assert.Equal(Containerd.V1.Types.Status.Stopped, task.Status);
        await client.Remove("c");
    }

    [Theory]
    [InlineData("daemon", "")]
    [InlineData("shim", "")]
    [InlineData("upgrade", "")]
    [InlineData("daemon", "per-container:")]
    [InlineData("shim", "per-container:")]
    [InlineData("upgrade", "per-container:")]
    public async Task A_terminal_stays_usable(string what, string mode)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-term-");
        try
        {
            var executable = Path.Join(place.FullName, "supervisor-shim");
            ProgramCopy.Make(Path.Join(Repository.Bin, "supervisor-shim"), executable);
            await using var daemon = await DaemonProcess.StartAsync(mode + executable);
            using var client = new CrashClient(daemon);
            var (stdin, stdout) = (Path.Join(place.FullName, "in"), Path.Join(place.FullName, "out"));
            using (var make = System.Diagnostics.Process.Start("mkfifo", [stdin, stdout])) await make.WaitForExitAsync();
            await client.CreateContainer("t", "sh");
            await client.CreateTask("t", new CreateTaskRequest { Terminal = true, Stdin = stdin, Stdout = stdout });
            await client.Start("t");
            await using var input = new FileStream(stdin, FileMode.Open, FileAccess.ReadWrite);
            await using var output = new FileStream(stdout, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
            await Say("echo $((20+1))", "21");
            var shim = daemon.ShimPids.Single();
            switch (what)
            {
                case "daemon":
                    await daemon.KillAsync();
                    await Say("echo $((20+2))", "22");
                    await daemon.RestartAsync();
                    break;
                case "shim":
                    await StormTests.Signal("-KILL", shim);
                    break;
                case "upgrade":
                    ShimUpgrade.Replace(executable);
                    await daemon.KillAsync();
                    await daemon.RestartAsync();
                    await ShimUpgrade.DoneAsync(shim, executable);
                    Assert.Equal([shim], daemon.ShimPids);
                    break;
            }
            await Say("echo $((20+3))", "23");
            await client.Exec("t", "e", "sh", "-c", "exit 4");
            await client.Start("t", "e");
            Assert.Equal(4u, await client.Wait("t", "e"));
            await input.WriteAsync("exit 6\n"u8.ToArray());
            await input.FlushAsync();
            Assert.Equal(6u, await client.Wait("t"));
            await client.Remove("t");

            async Task Say(string line, string answer)
            {
                await input.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
                await input.FlushAsync();
                var read = "";
                var buffer = new byte[4096];
                while (!read.Contains(answer, StringComparison.Ordinal))
                    read += System.Text.Encoding.UTF8.GetString(
                        buffer, 0, await output.ReadAsync(buffer).AsTask().WaitAsync(CommandLine.Patience));
            }
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(false)] // its daemon notices, and removes everything
    [InlineData(true)]  // the next run does
    public async Task A_killed_foreground_run_leaves_nothing(bool daemonIsKilled)
    {
        var name = $"k{Environment.ProcessId}-{(daemonIsKilled ? 1 : 0)}";
        using var killed = CommandLine.Start(
            CommandLine.Supervisor, "run", "--name", name, "--rootfs", "/", "--", "sh", "-c", "echo up; sleep 1000");
        Assert.Equal("up", await killed.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        var (mine, daemon) = Embedded(killed.Id);
        var cgroups = File.ReadAllLines(Directory.GetFiles(mine, "cgroup", SearchOption.AllDirectories).Single())
            .Select(l => "/" + l.Split("=/", 2)[1]).ToList();
        Assert.All(cgroups, g => Assert.True(Directory.Exists(g)));
        if (daemonIsKilled) daemon.Kill();
        killed.Kill();
        await killed.WaitForExitAsync();
        if (daemonIsKilled)
            Assert.Equal(0, (await CommandLine.RunAsync(CommandLine.Supervisor, "run", "--rootfs", "/", "--", "true")).Status);
        else await Eventually.IsTrue(() => !Directory.Exists(mine)); // not its exit: it may stay a zombie
        daemon.Dispose();
        Assert.All(cgroups, g => Assert.False(Directory.Exists(g), $"{g} was not removed"));
        Assert.False(Directory.Exists(mine), $"{mine} was not removed");
    }

    /// <summary>The directory of a command's daemon, and its process.</summary>
    private static (string Directory, Process Daemon) Embedded(int command)
    {
        var pid = Directory.GetDirectories($"/proc/{command}/task")
            .SelectMany(t => File.ReadAllText($"{t}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)).Single();
        var directory = Directory.GetDirectories("/run/supervisor/embedded", $"{pid}-*").Single();
        return (directory, Process.GetProcessById(int.Parse(pid)));
    }
}
