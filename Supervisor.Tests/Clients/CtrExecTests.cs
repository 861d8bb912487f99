using System.Diagnostics;
using System.Text.Json;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Execs with Debian's ctr and with our own command line, against the daemon.</summary>
public sealed class CtrExecTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        Ok(await _daemon.Do("run", "-d", "--name", "c1", "--rootfs", "/", "--", "sleep", "1000"));
    }

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task Ctr_exec_prints_and_exits_like_its_program()
    {
        var outcome = await Exec("e1", "sh", "-c", "hostname; echo err >&2; exit 9");
        Assert.Equal((9, "c1\n", "err\n"), (outcome.Status, outcome.Output, outcome.Errors[..4]));
        Assert.Equal(0, (await Exec("e1", "true")).Status); // the id is free again
    }

    [Fact]
    public async Task Our_own_exec_takes_directory_environment_user_and_input_and_returns_the_exit_status()
    {
        Assert.Equal("/tmp 7 b\n",
            Ok(await _daemon.Do("exec", "-w", "/tmp", "-u", "7", "-e", "A=b", "c1", "sh", "-c", "echo $(pwd) $(id -u) $A")));
        Assert.Equal(143, (await _daemon.Do("exec", "c1", "sh", "-c", "kill -TERM $$")).Status);
        using var cat = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "exec", "c1", "cat");
        await cat.StandardInput.WriteAsync("through\n");
        cat.StandardInput.Close();
        Assert.Equal("through\n", await cat.StandardOutput.ReadToEndAsync().WaitAsync(CommandLine.Patience));
        await cat.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(0, cat.ExitCode);
    }

    [Fact]
    public async Task An_exec_with_a_terminal_has_one()
    {
        var outcome = await CommandLine.RunAsync("script", "-qec",
            $"ctr -a {_daemon.Address} -n {_daemon.Namespace} tasks exec -t --exec-id t1 c1 sh -c 'tty; exit 3'", "/dev/null");
        Assert.Equal(3, outcome.Status);
        Assert.Contains("/dev/pts/0", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exec_of_a_missing_program_exits_with_127_names_it_and_leaves_nothing()
    {
        var outcome = await _daemon.Do("exec", "c1", "/no/such");
        Assert.Equal(127, outcome.Status);
        Assert.Contains("/no/such", outcome.Errors, StringComparison.Ordinal);
        Assert.Single(Ok(await _daemon.Ctr("tasks", "ps", "c1")).Split('\n')[1..], l => l.Length > 0);
    }

    [Fact]
    public async Task Ps_lists_all_processes_and_names_execs()
    {
        using var exec = CommandLine.Start(
            "ctr", "-a", _daemon.Address, "-n", _daemon.Namespace, "tasks", "exec", "--exec-id", "ps1", "c1", "sh", "-c",
            "echo up; exec sleep 1000");
        Assert.Equal("up", await exec.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        var listed = Ok(await _daemon.Ctr("tasks", "ps", "c1"));
        Assert.Contains("ps1", listed, StringComparison.Ordinal);
        Assert.NotEqual(0, (await Exec("ps1", "true")).Status); // its id is in use
        Ok(await _daemon.Ctr("tasks", "kill", "-s", "KILL", "--exec-id", "ps1", "c1"));
        await exec.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(137, exec.ExitCode);
    }

    [Fact]
    public async Task Metrics_report_what_the_container_uses()
    {
        var metrics = Ok(await _daemon.Ctr("tasks", "metrics", "c1"));
        Assert.Matches(@"memory\.usage(_in_bytes)? +[1-9]", metrics);
        Assert.Matches(@"pids\.current +[1-9]", metrics);
    }

    [Fact]
    public async Task A_paused_container_refuses_an_exec_and_a_resumed_one_accepts_it()
    {
        Ok(await _daemon.Ctr("tasks", "pause", "c1"));
        Assert.Contains("paused", (await Exec("p1", "true")).Errors, StringComparison.Ordinal);
        Ok(await _daemon.Ctr("tasks", "resume", "c1"));
        Assert.Equal(0, (await Exec("p1", "true")).Status);
    }

    [Fact]
    public async Task When_the_init_exits_its_execs_are_killed_and_their_exits_are_published_first()
    {
        using var events = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "events", "-f", "--format",
            "json");
        for (var received = events.StandardOutput.ReadLineAsync(); !received.IsCompleted;)
        {
            await Exec("warm", "true");
            await Task.WhenAny(received, Task.Delay(50));
        }
        using var exec = CommandLine.Start(
            "ctr", "-a", _daemon.Address, "-n", _daemon.Namespace, "tasks", "exec", "--exec-id", "last", "c1", "sh", "-c",
            "echo up; exec sleep 1000");
        Assert.Equal("up", await exec.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Ok(await _daemon.Do("kill", "-s", "KILL", "c1"));
        var published = new List<string>();
        while (!published.Contains("/tasks/exit c1"))
        {
            var line = await events.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience);
            var e = JsonDocument.Parse(line!).RootElement;
            var text = e.GetProperty("event").ToString();
            var topic = e.GetProperty("topic").GetString();
            if (text.Contains("\"last\"", StringComparison.Ordinal)) published.Add($"{topic} last");
            else if (topic == "/tasks/exit" && !text.Contains("\"warm\"", StringComparison.Ordinal)) published.Add($"{topic} c1");
        }
        events.Kill();
        Assert.Equal(["/tasks/exec-added last", "/tasks/exec-started last", "/tasks/exit last", "/tasks/exit c1"], published);
        await exec.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(137, exec.ExitCode);
    }

    [Fact]
    public async Task After_kill_9_of_the_daemon_a_running_exec_is_adopted_and_an_exited_one_is_reported_as_lost()
    {
        var pids = new Dictionary<string, string>();
        foreach (var id in (string[])["lives", "dies"])
        {
            using var exec = CommandLine.Start(
                "ctr", "-a", _daemon.Address, "-n", _daemon.Namespace, "tasks", "exec", "--detach", "--exec-id", id, "c1",
                "sleep", "1000");
            await exec.WaitForExitAsync().WaitAsync(CommandLine.Patience);
            Assert.Equal(0, exec.ExitCode);
            pids[id] = Ok(await _daemon.Ctr("tasks", "ps", "c1")).Split('\n').First(l => l.Contains(id, StringComparison.Ordinal))
                .Split(' ')[0];
        }
        await _daemon.KillAsync();
        Process.Start("kill", ["-9", pids["dies"]]).WaitForExit(); // while no daemon watches
        await _daemon.RestartAsync();
        var listed = Ok(await _daemon.Ctr("tasks", "ps", "c1"));
        Assert.Contains("lives", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("dies", listed, StringComparison.Ordinal);
        // Until its new parent has reaped it, the kernel still accepts signals for it.
        for (var end = DateTime.UtcNow + CommandLine.Patience;
            (await _daemon.Ctr("tasks", "kill", "-s", "KILL", "--exec-id", "dies", "c1")).Status == 0;)
        {
            Assert.True(DateTime.UtcNow < end, "an exited exec can still be killed");
            await Task.Delay(50);
        }
        Ok(await _daemon.Ctr("tasks", "kill", "-s", "KILL", "--exec-id", "lives", "c1"));
        Assert.Equal(0, (await Exec("again", "true")).Status);
    }

    private Task<CommandLine.Outcome> Exec(string id, params string[] command) =>
        _daemon.Ctr(["tasks", "exec", "--exec-id", id, "c1", .. command]);
}
