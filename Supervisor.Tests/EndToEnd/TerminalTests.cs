using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A real terminal in front of every verb that has one: its keys, its size, its settings.</summary>
public sealed class TerminalTests : IAsyncLifetime
{
    private const string Prompt = "ready> ", Leave = "\x10\x11", Shell = "bash --norc";
    private const string Environment = $"-e 'PS1={Prompt}' -e TERM=dumb";

    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("run")]
    [InlineData("exec")]
    [InlineData("start")]
    [InlineData("attach")]
    public async Task Keys_and_sizes_are_the_programs_and_the_terminal_is_restored_at_its_exit(string verb)
    {
        using var session = await Begin(verb);
        await session.TypeAsync("sleep 1000\r");
        await Interrupt(session);
        await session.TypeAsync("sleep 1001\r");
        await session.ExpectAsync("sleep 1001");
        await Task.Delay(200); // until the shell has made it its foreground job
        await session.TypeAsync("\x1a"); // Ctrl-Z
        await session.ExpectAsync("Stopped");
        await session.TypeAsync("kill %1; until [ \"$(stty size)\" = '31 97' ]; do sleep 0.1; done; echo si$((1+1))ed\r");
        await session.ExpectAsync("done");
        await Stty("rows", "31", "cols", "97");
        await session.ExpectAsync("si2ed");
        await session.TypeAsync("exit 7\r");
        await Ends(session, 7);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("exec")]
    [InlineData("start")]
    [InlineData("attach")]
    public async Task The_terminal_is_restored_when_its_client_detaches(string verb)
    {
        using (var session = await Begin(verb))
        {
            await session.TypeAsync(Leave);
            await session.ExpectAsync("still running");
            await Ends(session, 0);
        }
        if (verb is "exec") return;
        using var again = Start("attach c");
        await again.ExpectAsync(Prompt); // without a key
        await again.TypeAsync("exit 3\r");
        await Ends(again, 3);
    }

    [Theory]
    [InlineData("-TERM", 143)]
    [InlineData("-HUP", 129)]
    public async Task A_signal_ends_an_attached_client_alone_and_restores_its_terminal(string signal, int status)
    {
        using var session = await Begin("attach");
        Kill(signal, Client());
        await Ends(session, status);
        Assert.Equal("running", await _daemon.Status("c"));
    }

    [Theory]
    [InlineData("run")]
    [InlineData("exec")]
    public async Task A_hang_up_of_the_client_is_the_programs_and_restores_the_terminal(string verb)
    {
        using var session = await Begin(verb);
        Kill("-HUP", Client());
        await Ends(session, 129);
    }

    [Fact]
    public async Task A_client_that_was_stopped_continues_with_a_raw_terminal()
    {
        using var session = await Begin("run");
        var client = Client();
        Kill("-STOP", client);
        await Stty("sane", "rows", "41", "cols", "87"); // as a shell does that has stopped it
        Kill("-CONT", client);
        await Eventually.IsTrue(async () => (await RunAsync("stty", "-F", Terminal(client), "-a")).Output.Contains(
            "-icanon", StringComparison.Ordinal));
        await session.TypeAsync("sleep 1000\r");
        await Interrupt(session);
        await session.TypeAsync("stty size\r");
        await session.ExpectAsync("41 87");
        await session.TypeAsync("exit 5\r");
        await Ends(session, 5);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("attach")]
    public async Task A_daemon_that_dies_under_a_terminal_leaves_it_working_and_the_next_one_reports_the_exit(string verb)
    {
        using var session = await Begin(verb);
        await _daemon.KillAsync();
        await session.ExpectAsync("waiting until one answers again");
        await session.TypeAsync("echo st$((1+1))ll\r");
        await session.ExpectAsync("st2ll");
        await session.TypeAsync("exit 4\r");
        await _daemon.RestartAsync();
        await Ends(session, 4);
    }

    [Fact]
    public async Task A_container_has_one_client_at_a_time()
    {
        using (var run = await Begin("run"))
        {
            await Refused($"process {Client()}", "attach", "--no-stdin", "c");
            await run.TypeAsync(Leave);
            await Ends(run, 0);
        }
        using (var killed = Start("attach c"))
        {
            await killed.TypeAsync("\r");
            await killed.ExpectAsync(Prompt);
            await Refused($"process {Client()}", "attach", "--no-stdin", "c");
            Kill("-KILL", Client());
            await killed.ExpectAsync("left 137");
        }
        using var last = Start("attach c");
        await last.TypeAsync("\r");
        await last.ExpectAsync(Prompt);
        await last.TypeAsync("exit 6\r");
        await Ends(last, 6);

        async Task Refused(string holder, params string[] verb)
        {
            var refused = await _daemon.Do(verb);
            Assert.Equal((125, ""), (refused.Status, refused.Output));
            Assert.Contains($"container c has a client already ({holder}): detach", refused.Errors, StringComparison.Ordinal);
            Assert.Contains("logs -f c\"", refused.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_command_whose_own_daemon_is_killed_says_so_at_once_and_restores_the_terminal()
    {
        using var session = AtTerminal($"{CommandLine.Supervisor} run -t --rootfs / {Environment} {Shell}");
        await session.ExpectAsync(Prompt);
        var client = Descendants(session.Pid).Single(pid => Runs(pid, $"{CommandLine.Supervisor} "));
        var daemon = Descendants(client).Single(
            pid => CommandLineOf(pid).Contains("supervisor-daemon embed", StringComparison.Ordinal));
        var shell = Descendants(daemon).Single(pid => Runs(pid, Shell));
        var killed = Stopwatch.StartNew();
        Kill("-KILL", daemon);
        await session.ExpectAsync("daemon was killed by signal 9");
        Assert.InRange(killed.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15)); // and not Reconnection.Patience
        await Ends(session, 125);
        Assert.False(RunningProcess.Exists(shell));
        Assert.Empty(Directory.GetDirectories("/run/supervisor/embedded", $"{daemon}-*"));
    }

    /// <summary>A shell at a terminal behind this verb, in container c.</summary>
    private async Task<TerminalSession> Begin(string verb)
    {
        if (verb is not "run") Ok(await _daemon.Do(["create", "-it", "--name", "c", "-e", $"PS1={Prompt}", "-e", "TERM=dumb",
            "--rootfs", "/", .. Shell.Split(' ')]));
        if (verb is "exec" or "attach") Ok(await _daemon.Do("start", "c"));
        var session = Start(verb switch
        {
            "run" => $"run -it --name c --rootfs / {Environment} {Shell}",
            "exec" => $"exec -it c {Shell}",
            "start" => "start -ai c",
            _ => "attach c",
        });
        if (verb is "attach") await session.TypeAsync("\r"); // that it comes back by itself is another test's
        await session.ExpectAsync(Prompt);
        return session;
    }

    private TerminalSession Start(string verb) =>
        AtTerminal($"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} {verb}");

    /// <summary>The command under a shell that compares the terminal's settings before and after it.</summary>
    private static TerminalSession AtTerminal(string command) => TerminalSession.Start(
        $$"""
        sh -c "stty rows 24 cols 80; before=\$(stty -g); {{command}}; echo left \$?
        [ \"\$before\" = \"\$(stty -g)\" ] && echo restored || stty -a"
        """);

    private static async Task Ends(TerminalSession session, int status)
    {
        await session.ExpectAsync($"left {status}");
        await session.ExpectAsync("restored");
        Assert.Equal(0, await session.EndAsync());
    }

    /// <summary>Ctrl-C, until the shell's program has received it.</summary>
    private static async Task Interrupt(TerminalSession session)
    {
        await session.ExpectAsync("sleep 1000");
        await Task.Delay(200); // until the shell has made it its foreground job
        await session.TypeAsync("\x03");
        await session.ExpectAsync(Prompt);
        await session.TypeAsync("echo st$?\r");
        await session.ExpectAsync("st130");
    }

    private async Task Stty(params string[] settings) => Ok(await RunAsync("stty", ["-F", Terminal(Client()), .. settings]));

    private static string Terminal(int pid) => new FileInfo($"/proc/{pid}/fd/0").LinkTarget!;

    /// <summary>The process at the terminal.</summary>
    private int Client() => Directory.GetDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0)
        .Single(pid => pid > 0 && Runs(pid, $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace"));

    private static bool Runs(int pid, string words) => CommandLineOf(pid).StartsWith(words, StringComparison.Ordinal);

    private static IEnumerable<int> Descendants(int pid)
    {
        var children = Directory.GetDirectories($"/proc/{pid}/task").SelectMany(t => File.ReadAllText($"{t}/children").Split(
            ' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse).ToList();
        return children.Concat(children.SelectMany(Descendants));
    }

    private static void Kill(string signal, int pid) => Process.Start("kill", [signal, $"{pid}"]).WaitForExit();

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
