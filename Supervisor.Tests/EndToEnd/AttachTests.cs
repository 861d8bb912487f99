using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Clients detach from terminals and attach again, while the program keeps running undisturbed.</summary>
public sealed class AttachTests : IAsyncLifetime
{
    private const string DetachKeys = "\x10\x11";
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("daemon")]
    [InlineData("shim")]
    public async Task A_terminal_is_detached_by_its_keys_and_attached_again(string dies)
    {
        using (var run = TerminalSession.Start(Ours("run -it --name c --rootfs / -- sh")))
        {
            await run.TypeAsync("echo o$((1+1))e\r");
            await run.ExpectAsync("o2e");
            await run.TypeAsync("(sleep 1; echo later$((2+2))) &\r");
            await run.TypeAsync(DetachKeys);
            await run.ExpectAsync("detached from container c, still running");
            Assert.Equal(0, await run.EndAsync());
        }
        // no client is attached, and it is kept
        await Eventually.IsTrue(async () => (await _daemon.Do("logs", "c")).Output.Contains("later4", StringComparison.Ordinal));
        if (dies is "daemon") await _daemon.KillAsync();
        if (dies is "shim") Kill(_daemon.ShimPid!.Value);
        if (dies is "daemon") await _daemon.RestartAsync();
        using (var attach = TerminalSession.Start(Ours("attach c")))
        {
            await attach.TypeAsync("echo back$((3+3))\r");
            await attach.ExpectAsync("back6");
            await attach.TypeAsync(DetachKeys);
            await attach.ExpectAsync("detached from container c, still running");
            Assert.Equal(0, await attach.EndAsync());
        }
        using (var attach = TerminalSession.Start(Ours("attach c")))
        {
            await attach.TypeAsync("exit 7\r");
            Assert.Equal(7, await attach.EndAsync());
        }
        Assert.Contains("back6", Ok(await _daemon.Do("logs", "c")), StringComparison.Ordinal);
        Ok(await _daemon.Do("rm", "c"));
        Assert.Empty(Fifos());
    }

    [Fact]
    public async Task A_terminal_in_the_background_can_be_attached_also_after_a_restart()
    {
        Ok(await _daemon.Do("run", "-d", "-it", "--name", "b", "--rootfs", "/", "--", "sh"));
        await Greet("1");
        Ok(await _daemon.Do("kill", "-9", "b"));
        Ok(await _daemon.Do("wait", "b"));
        Ok(await _daemon.Do("start", "b"));
        await Greet("2");
        Ok(await _daemon.Do("rm", "-f", "b"));
        Assert.Empty(Fifos());

        async Task Greet(string mark)
        {
            using var attach = TerminalSession.Start(Ours("attach --detach-keys ctrl-a,x b"));
            await attach.TypeAsync($"echo mark$(({mark}+10))\r");
            await attach.ExpectAsync($"mark1{mark}");
            await attach.TypeAsync("\x01x");
            Assert.Equal(0, await attach.EndAsync());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_input_without_a_terminal_is_written_to_by_one_client_after_the_other(bool dies)
    {
        Ok(await _daemon.Do("run", "-d", "-i", "--name", "i", "--rootfs", "/", "--", "sh", "-c",
            "while read line; do echo got $line; [ $line = last ] && exit 6; done; exit 5"));
        Assert.Equal("got one\n", await Type("one", "got one"));
        if (dies)
        {
            await _daemon.KillAsync();
            await _daemon.RestartAsync();
        }
        Assert.Equal("got two\n", await Type("two", "got two")); // the end of a client's input is not the container's
        Assert.EndsWith("got last\n", await Type("last", null), StringComparison.Ordinal);
        Assert.Equal("6\n", Ok(await _daemon.Do("wait", "i")));
        Ok(await _daemon.Do("start", "i"));
        Assert.EndsWith("got last\n", await Type("last", null), StringComparison.Ordinal);
        Ok(await _daemon.Do("rm", "i"));
        Assert.Empty(Fifos());

        async Task<string> Type(string line, string? until)
        {
            using var attach = CommandLine.Start(
                CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "attach", "i");
            await Eventually.IsTrue(() => IsWaiting(attach.Id)); // it prints what comes after that
            await attach.StandardInput.WriteLineAsync(line);
            attach.StandardInput.Close();
            var output = "";
            while (await attach.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience) is { } read)
            {
                output += read + "\n";
                if (read == until) attach.Kill();
            }
            await attach.WaitForExitAsync().WaitAsync(CommandLine.Patience);
            if (until is null) Assert.Equal(6, attach.ExitCode);
            return output;
        }
    }

    [Fact]
    public async Task Attach_without_a_terminal_follows_the_output_to_its_end()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "p", "--rootfs", "/", "--", "sh", "-c",
            "trap 'echo after; exit 5' TERM; echo before; while :; do sleep 0.05; done"));
        await Eventually.IsTrue(async () => (await _daemon.Do("logs", "p")).Output.Contains("before", StringComparison.Ordinal));
        using var attach = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "attach", "p");
        await Eventually.IsTrue(() => IsWaiting(attach.Id));
        // What it prints, it prints after it has begun to forward signals: one before that interrupts the client alone.
        Ok(await _daemon.Do("exec", "p", "sh", "-c", "echo attached >/proc/1/fd/1"));
        Assert.Equal("attached", await attach.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Kill(attach.Id, "-TERM"); // is forwarded
        Assert.Equal("after\n", await attach.StandardOutput.ReadToEndAsync().WaitAsync(CommandLine.Patience));
        await attach.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(5, attach.ExitCode);
        var ended = await _daemon.Do("attach", "p");
        Assert.Equal(125, ended.Status);
        Assert.Contains("is not running", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_detached_exec_keeps_running_and_its_output_is_discarded()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        using (var exec = TerminalSession.Start(
            Ours("exec -it c sh -c 'echo up; read go; i=0; while [ $i -lt 60000 ]; do echo line $i; i=$((i+1)); done; echo "
            + ">/tmp/through; sleep 999'")))
        {
            await exec.ExpectAsync("up");
            await exec.TypeAsync("\r");
            await exec.ExpectAsync("line 10");
            await exec.TypeAsync(DetachKeys);
            await exec.ExpectAsync("detached from sh in container c, still running");
            Assert.Equal(0, await exec.EndAsync());
        }
        // far more than a pipe holds
        await Eventually.IsTrue(async () => (await _daemon.Do("exec", "c", "test", "-e", "/tmp/through")).Status == 0);
    }

    [Fact]
    public async Task A_killed_client_has_not_detached()
    {
        using var run = TerminalSession.Start(Ours("run -it --name c --rootfs / -- sh"));
        await run.TypeAsync("echo o$((1+1))e\r");
        await run.ExpectAsync("o2e");
        Kill(Directory.GetDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0)
            .Single(pid => pid > 0
                && CommandLineOf(pid)
                .StartsWith($"{CommandLine.Supervisor} --address {_daemon.Address} ", StringComparison.Ordinal)));
        // a shell exits on SIGHUP
        await Eventually.IsTrue(async () => (await _daemon.Do("ps", "-a")).Output.Contains("exited", StringComparison.Ordinal));
        Assert.NotEmpty(Fifos());
        Ok(await _daemon.Do("rm", "c"));
        Assert.Empty(Fifos());
    }

    [Fact]
    public async Task Fifos_of_killed_clients_are_removed_at_startup_and_those_of_others_are_kept()
    {
        Ok(await _daemon.Do("run", "-d", "-it", "--name", "lasting", "--rootfs", "/", "--", "sleep", "1000"));
        var lasting = Assert.Single(Fifos());
        using var alive = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "run", "--name", "alive",
            "--rootfs", "/", "--", "cat");
        await alive.StandardInput.WriteLineAsync("one");
        await alive.StandardInput.FlushAsync();
        Assert.Equal("one", await alive.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        using (global::Supervisor.Runtime.Stdio.ClientFifos.Make(_daemon.State, _daemon.Namespace, "held"))
        {
            Directory.CreateDirectory(Path.Join(_daemon.State, "fifo", _daemon.Namespace, "gone", "0123456789abcdef"));
            await _daemon.KillAsync();
            await _daemon.RestartAsync();
            var left = Fifos();
            Assert.Contains(lasting, left);
            Assert.Equal(["alive", "held", "lasting"], left.Select(f => Path.GetFileName(Path.GetDirectoryName(f)))
                .Order(StringComparer.Ordinal));
        }
        alive.StandardInput.Close();
        await alive.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(0, alive.ExitCode);
        Assert.Equal([lasting], Fifos());
    }

    [Theory]
    [InlineData("run -it --rootfs / -- cat")]
    [InlineData("exec -it c cat")]
    [InlineData("attach c")]
    public async Task A_terminal_without_one_of_our_own_is_refused_before_anything_is_created(string verb)
    {
        Ok(await _daemon.Do("run", "-d", "-it", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        var refused = await CommandLine.RunAsync("bash", "-c", $"echo | {Ours(verb)}");
        Assert.Equal(1, refused.Status);
        Assert.StartsWith("supervisor: the input device is not a TTY", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("c\n", Ok(await _daemon.Do("ps", "-a", "-q")));
    }

    private string Ours(string verb) =>
        $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} {verb}";

    private string[] Fifos()
    {
        var all = Path.Join(_daemon.State, "fifo");
        return Directory.Exists(all)
            ? [.. Directory.GetDirectories(all).SelectMany(Directory.GetDirectories).SelectMany(Directory.GetDirectories)] : [];
    }

    private static void Kill(int pid, string signal = "-KILL") => Process.Start("kill", [signal, $"{pid}"]).WaitForExit();

    /// <summary>
    /// Whether its connection to the daemon and its signal handlers are ready: the copying thread polls the log.
    /// </summary>
    private static bool IsWaiting(int pid) =>
        Directory.GetFiles($"/proc/{pid}/fd")
        .Any(f => new FileInfo(f).LinkTarget?.EndsWith(".log", StringComparison.Ordinal) ?? false);

    private static string CommandLineOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
