using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Signals to commands in the foreground.</summary>
public sealed class ForegroundTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_signal_to_an_exec_reaches_its_program()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "e1", "--rootfs", "/", "--", "sleep", "1000"));
        using var process = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace,
            "exec", "e1", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done");
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
        await process.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(9, process.ExitCode);
    }

    [Fact]
    public async Task Killed_from_outside_a_foreground_run_exits_with_128_and_the_signal()
    {
        using var run = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "run", "--name", "k1",
                "--rootfs", "/", "--", "sh", "-c", "echo up; exec sleep 1000");
        Assert.Equal("up", await run.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Ok(await _daemon.Do("kill", "-s", "KILL", "k1"));
        await run.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(137, run.ExitCode);
    }

    [Fact]
    public async Task A_third_interrupt_without_effect_gets_a_hint()
    {
        // Processes that a shell runs in the background ignore the signal, and so do their children. The container's shell would
        // catch it between its echo and its exec.
        using var run = CommandLine.Start(
            "env", "--default-signal=INT", CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace,
            "run", "--name", "deaf", "--rootfs", "/", "--", "sh", "-c", "trap '' INT; echo up; exec sleep 1000");
        Assert.Equal("up", await run.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        var said = run.StandardError.ReadLineAsync();
        for (var sent = 0; !said.IsCompleted; await Task.Delay(200)) // pending signals of one number are merged: signal(7)
        {
            Process.Start("kill", ["-INT", $"{run.Id}"]).WaitForExit();
            Assert.True(++sent < 100, "no hint");
        }
        var hint = await said;
        Assert.Contains("kill -9 deaf", hint, StringComparison.Ordinal);
        Ok(await _daemon.Do("kill", "-9", "deaf"));
        await run.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(137, run.ExitCode);
    }
}
