using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>create, start in the foreground, and exec in the background.</summary>
public sealed class CreateTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_created_container_has_no_process_until_it_is_started_and_can_be_started_again()
    {
        Assert.Equal("c\n", Ok(await _daemon.Do(
            "create", "--name", "c", "-e", "A=1", "--rootfs", "/", "sh", "-c", "echo $A; exit 4")));
        Assert.Equal("", Ok(await _daemon.Do("ps", "-q")));
        Assert.Equal("c\n", Ok(await _daemon.Do("ps", "-aq")));
        for (var life = 1; life <= 2; life++)
        {
            var started = await _daemon.Do("start", "-a", "c");
            Assert.Equal(new(4, "1\n", ""), started); // this life's output alone
        }
        Assert.Equal("1\n1\n", Ok(await _daemon.Do("logs", "c")));
    }

    [Fact]
    public async Task Start_with_an_input_writes_to_the_program()
    {
        Ok(await _daemon.Do("create", "-i", "--name", "c", "--rootfs", "/", "head", "-n", "1"));
        using var start = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "start", "-a", "-i", "c");
        await start.StandardInput.WriteLineAsync("typed");
        await start.StandardInput.FlushAsync();
        Assert.Equal("typed\n", await start.StandardOutput.ReadToEndAsync().WaitAsync(Patience));
        await start.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, start.ExitCode);
    }

    [Fact]
    public async Task Start_at_a_terminal_is_the_programs_terminal_and_can_be_left()
    {
        Ok(await _daemon.Do("create", "-it", "--name", "c", "--rootfs", "/", "sh"));
        var line = $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} start -ai c";
        using (var start = TerminalSession.Start(line))
        {
            await start.TypeAsync("echo o$((1+1))e\r");
            await start.ExpectAsync("o2e");
            await start.TypeAsync("\x10\x11");
            await start.ExpectAsync("still running");
            Assert.Equal(0, await start.EndAsync());
        }
        Assert.Equal("running", await _daemon.Status("c"));
        Ok(await _daemon.Do("stop", "-t", "0", "c"));
    }

    [Fact]
    public async Task Nothing_is_left_of_a_create_that_is_refused()
    {
        var refused = await _daemon.Do("create", "--name", "c", "-w", "relative", "--rootfs", "/", "true");
        Assert.Equal(125, refused.Status);
        Assert.Contains("--workdir: \"relative\"", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("", Ok(await _daemon.Do("ps", "-aq")));
    }

    [Fact]
    public async Task An_exec_in_the_background_runs_on_and_its_client_does_not_wait()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        Assert.Equal(new(0, "", ""), await _daemon.Do("exec", "-d", "c", "sh", "-c", "echo lost; sleep 77"));
        await Eventually.IsTrue(async () =>
            (await _daemon.Do("exec", "c", "sh", "-c", "cat /proc/[0-9]*/cmdline")).Output.Contains(
                "sleep\077", StringComparison.Ordinal));
        var missing = await _daemon.Do("exec", "-d", "c", "/no/such");
        Assert.Equal(127, missing.Status);
    }

    [Fact]
    public async Task A_privileged_exec_has_all_capabilities_and_another_has_not()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        string[] read = ["c", "sh", "-c", "grep CapEff /proc/self/status | cut -f2"];
        var all = Ok(await RunAsync("sh", "-c", "grep CapEff /proc/self/status | cut -f2"));
        Assert.Equal(all, Ok(await _daemon.Do(["exec", "--privileged", .. read])));
        Assert.NotEqual(all, Ok(await _daemon.Do(["exec", .. read])));
    }

    [Theory]
    [InlineData("start -a a b", "--attach: one container at a time")]
    [InlineData("start --detach-keys ctrl-x a", "--detach-keys: needs --attach or --interactive")]
    [InlineData("exec -d -i a true", "--detach: goes neither")]
    public async Task A_wrong_option_is_named(string line, string flaw)
    {
        var refused = await _daemon.Do(line.Split(' '));
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }
}
