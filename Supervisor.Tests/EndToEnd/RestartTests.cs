using System.Diagnostics;
using System.Text.Json;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Clients and containers while the daemon stops, is killed and starts again.</summary>
public sealed class RestartTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    public async Task Clients_wait_for_a_restarting_daemon_and_report_the_real_status(string signal)
    {
        string[] ours = ["--address", _daemon.Address, "--namespace", _daemon.Namespace];
        const string script = "echo up; read go; echo down; exit 7";
        using var run = CommandLine.Start(
            CommandLine.Supervisor, [.. ours, "run", "--rm", "--name", "fg", "--rootfs", "/", "--", "sh", "-c", script]);
        Assert.Equal("up", await run.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Ok(await _daemon.Do("run", "-d", "--name", "bg", "--rootfs", "/", "--", "sh", "-c",
            "echo up; while [ ! -e /dev/shm/go ]; do sleep 0.1; done; echo down; exit 8"));
        using var logs = CommandLine.Start(CommandLine.Supervisor, [.. ours, "logs", "-f", "bg"]);
        using var wait = CommandLine.Start(CommandLine.Supervisor, [.. ours, "wait", "bg"]);
        Assert.Equal("up", await logs.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        using var exec = CommandLine.Start(CommandLine.Supervisor, [.. ours, "exec", "bg", "sh", "-c", script]);
        Assert.Equal("up", await exec.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Process.Start("kill", [$"-{signal}", $"{_daemon.Pid}"]).WaitForExit();
        await _daemon.ExitedAsync();
        foreach (var one in (Process[])[run, exec])
        {
            await one.StandardInput.WriteLineAsync("go");
            await one.StandardInput.FlushAsync();
            // only the container and its shim are needed for that
            Assert.Equal("down", await one.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        }
        await _daemon.RestartAsync();
        Ok(await _daemon.Do("exec", "bg", "touch", "/dev/shm/go"));
        await Task.WhenAll(((Process[])[run, exec, logs, wait]).Select(p => p.WaitForExitAsync()))
            .WaitAsync(CommandLine.Patience);
        Assert.Equal((7, 7, 0, 0), (run.ExitCode, exec.ExitCode, logs.ExitCode, wait.ExitCode));
        Assert.Equal(("down\n", "8\n"), (await logs.StandardOutput.ReadToEndAsync(), await wait.StandardOutput.ReadToEndAsync()));
        Assert.DoesNotContain("fg", Ok(await _daemon.Do("ps", "-a", "-q")), StringComparison.Ordinal); // --rm
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    public async Task Events_resume_where_they_were_after_a_restart_of_the_daemon(string signal)
    {
        // Exits while no daemon is running.
        Ok(await _daemon.Do("run", "-d", "--name", "bg", "--rootfs", "/", "--", "sh", "-c",
            "while [ ! -e /dev/shm/go ]; do sleep 0.05; done; sleep 1; exit 8"));
        using var events = CommandLine.Start(CommandLine.Supervisor, "--address", _daemon.Address, "events", "--format", "json");
        var seen = Next("/tasks/exec-added");
        while (!seen.IsCompleted) Ok(await _daemon.Do("exec", "bg", "true")); // until the subscription is established
        var exec = await seen;
        var pid = Ok(await _daemon.Do("ps")).Split('\n').Single(l => l.StartsWith("bg ", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        Ok(await _daemon.Do("exec", "bg", "touch", "/dev/shm/go"));
        Process.Start("kill", [$"-{signal}", $"{_daemon.Pid}"]).WaitForExit();
        await _daemon.ExitedAsync();
        await Eventually.IsTrue(() => !Directory.Exists($"/proc/{pid}"));
        await _daemon.RestartAsync();
        Ok(await _daemon.Do("run", "-d", "--name", "later", "--rootfs", "/", "--", "true"));
        var exit = await Next("/tasks/exit");
        // not the exec's
        while (exit.GetProperty("event").GetProperty("id").GetString() != "bg") exit = await Next("/tasks/exit");
        Assert.True(exit.GetProperty("number").GetInt64() > exec.GetProperty("number").GetInt64());
        var created = await Next("/containers/create");
        Assert.Equal("later", created.GetProperty("event").GetProperty("id").GetString());
        events.Kill();

        async Task<JsonElement> Next(string topic)
        {
            while (true)
            {
                var line = await events.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience);
                Assert.True(line is not null, "the events have stopped");
                var found = JsonDocument.Parse(line).RootElement;
                if (found.GetProperty("namespace").GetString() == _daemon.Namespace
                    && found.GetProperty("topic").GetString() == topic) return found;
            }
        }
    }

    [Fact]
    public async Task After_kill_9_every_container_is_listed_with_its_real_status()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "done", "--rootfs", "/", "--", "sh", "-c", "exit 5"));
        Assert.Equal("5\n", Ok(await _daemon.Do("wait", "done")));
        Ok(await _daemon.Do("run", "-d", "--name", "lives", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await _daemon.Do("run", "-d", "--name", "dies", "--rootfs", "/", "--", "sleep", "1000"));
        var pid = await _daemon.Field("dies", "pid");
        await _daemon.KillAsync();
        Process.Start("kill", ["-9", pid]).WaitForExit(); // while no daemon watches
        await _daemon.RestartAsync();
        Assert.Equal(("stopped", "5"), (await _daemon.Status("done"), await _daemon.Field("done", "exitStatus")));
        // It holds its own streams, and is adopted by pid, start time and boot.
        Assert.Equal("running", await _daemon.Status("lives"));
        // Its status is known if it was not reaped yet when the daemon restarted, and otherwise reported as unknown: 255.
        Assert.Contains(Ok(await _daemon.Do("wait", "dies")), (string[])["137\n", "255\n"]);
        Assert.Equal("stopped", await _daemon.Status("dies"));
        Ok(await _daemon.Do("kill", "-s", "KILL", "lives"));
        Assert.Equal("137\n", Ok(await _daemon.Do("wait", "lives")));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(300)]
    [InlineData(600)]
    public async Task A_daemon_that_is_stopped_during_its_startup_exits_without_an_error(int milliseconds)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-e2e-");
        using var daemon = CommandLine.Start(
            CommandLine.Supervisor, "serve", "--address", Path.Join(place.FullName, "s"), "--root",
                Path.Join(place.FullName, "root"), "--state", Path.Join(place.FullName, "state"));
        var errors = daemon.StandardError.ReadToEndAsync();
        await Task.Delay(milliseconds); // waits for nothing: it hits different moments of the startup
        Process.Start("kill", ["-TERM", $"{daemon.Id}"]).WaitForExit();
        await daemon.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        place.Delete(recursive: true);
        // 143: the signal arrived before the handler was installed.
        Assert.True(daemon.ExitCode is 0 or 143, $"{daemon.ExitCode}: {await errors}");
    }

    [Fact]
    public async Task Two_daemons_on_one_root_are_refused_and_on_two_roots_run_side_by_side()
    {
        var second = await CommandLine.RunAsync(
            CommandLine.Supervisor, "serve", "--address", _daemon.Address + "2", "--root", _daemon.Root, "--state",
            _daemon.State + "2");
        Assert.Equal(125, second.Status);
        Assert.Contains(_daemon.Root, second.Errors, StringComparison.Ordinal);
        await using var other = await DaemonProcess.StartAsync();
        Ok(await other.Do("run", "-d", "--name", "o", "--rootfs", "/", "--", "sleep", "1000"));
        Assert.DoesNotContain("o ", Ok(await _daemon.Do("ps", "-a")), StringComparison.Ordinal);
    }
}
