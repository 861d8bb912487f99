using System.Diagnostics;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The first commands of a new user: no daemon, no image, no network.</summary>
public class RunTests
{
    [Fact]
    public async Task Echo_hello_prints_hello_and_exits_0() => Assert.Equal(new(0, "hello\n", ""), await Run("echo", "hello"));

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -TERM $$; exit 3", 3)]
    public async Task The_exit_code_is_that_of_the_container(string script, int code) =>
        Assert.Equal(code, (await Run("sh", "-c", script)).Status);

    [Fact]
    public async Task A_missing_program_exits_with_127_and_one_line_that_names_it()
    {
        var outcome = await Run("/no/such");
        Assert.Equal((127, ""), (outcome.Status, outcome.Output));
        Assert.Contains("/no/such", Assert.Single(outcome.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_cannot_be_executed_exits_with_126() => Assert.Equal(126, (await Run("/etc/passwd")).Status);

    [Fact]
    public async Task Standard_error_is_separate() =>
        Assert.Equal(new(0, "out\n", "err\n"), await Run("sh", "-c", "echo out; echo err >&2"));

    [Fact]
    public async Task Standard_input_is_forwarded_to_its_end()
    {
        using var process = CommandLine.Start(CommandLine.Supervisor, "run", "--rootfs", "/", "--", "wc", "-c");
        await process.StandardInput.WriteAsync(new string('x', 300_000));
        process.StandardInput.Close();
        Assert.Equal("300000", (await process.StandardOutput.ReadToEndAsync().WaitAsync(CommandLine.Patience)).Trim());
    }

    [Fact]
    public async Task A_megabyte_of_output_arrives_whole() =>
        Assert.Equal(1_000_000, (await Run("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x")).Output.Length);

    [Fact]
    public async Task Masked_directories_are_empty() =>
        Assert.Equal(new(0, "/proc/acpi:\n\n/sys/firmware:\n", ""), await Run("ls", "-A", "/proc/acpi", "/sys/firmware"));

    [Fact]
    public async Task A_closed_standard_input_is_empty() => Assert.Equal(new(0, "", ""), await CommandLine.RunAsync(
        "sh", "-c", $"{CommandLine.Supervisor} run --rootfs / -- head -c 100 <&-"));

    [Fact]
    public async Task A_terminal_works()
    {
        var outcome = await CommandLine.RunAsync(
            "script", "-qec", $"{CommandLine.Supervisor} run -t --rootfs / -- sh -c 'tty; test -t 0 && test -t 1 && echo "
                + "both; exit 3'", "/dev/null");
        Assert.Equal(3, outcome.Status);
        Assert.Contains("/dev/pts/0", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("both", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_to_the_command_reaches_the_container()
    {
        using var process = CommandLine.Start(
            CommandLine.Supervisor, "run", "--rootfs", "/", "--", "sh", "-c",
                "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done");
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
        Assert.Equal("got it", await process.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        await process.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(9, process.ExitCode);
    }

    [Fact]
    public async Task Environment_directory_user_and_host_name_are_as_requested()
    {
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, "run", "-e", "A=b", "-w", "/tmp", "-u", "nobody", "--hostname", "box",
            "--rootfs", "/", "--", "sh", "-c", "echo $A; pwd; id -un; hostname");
        Assert.Equal("b\n/tmp\nnobody\nbox\n", outcome.Output);
    }

    [Fact]
    public async Task Run_detached_without_a_daemon_is_an_error_that_says_what_to_do()
    {
        var outcome = await CommandLine.RunAsync(CommandLine.Supervisor, "run", "-d", "--rootfs", "/", "--", "true");
        Assert.Equal(125, outcome.Status);
        Assert.Contains("supervisor serve", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_working_directory_is_no_obstacle_unless_it_is_used()
    {
        const string there = "d=$(mktemp -d); cd $d; rmdir $d;";
        Assert.Equal(new(0, "hello\n", ""),
            await CommandLine.RunAsync("bash", "-c", $"{there} {CommandLine.Supervisor} run --rootfs / -- echo hello"));
        var relative = await CommandLine.RunAsync("bash", "-c", $"{there} {CommandLine.Supervisor} run --rootfs x -- echo hello");
        Assert.Equal(new(125, "", "supervisor: the current directory has been removed: go to another one (cd)\n"), relative);
    }

    [Fact]
    public async Task Run_leaves_nothing_behind()
    {
        var @namespace = $"leaves{Environment.ProcessId}";
        await RunIn(@namespace, "true");
        await RunIn(@namespace, "/no/such");
        foreach (var tree in (string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
            Assert.False(Directory.Exists(Path.Join(tree, @namespace)), $"{tree}/{@namespace} was not removed");
        var embedded = "/run/supervisor/embedded";
        var mine = Directory.Exists(embedded) ? Directory.GetDirectories(embedded) : [];
        Assert.All(mine, d =>
            Assert.True(Directory.Exists($"/proc/{Path.GetFileName(d).Split('-')[0]}"), $"{d} belongs to no process"));
        Assert.DoesNotContain("/embedded/", File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    private static Task<CommandLine.Outcome> Run(params string[] command) => RunIn("default", command);

    private static Task<CommandLine.Outcome> RunIn(string @namespace, params string[] command) =>
        CommandLine.RunAsync(CommandLine.Supervisor, ["--namespace", @namespace, "run", "--rootfs", "/", "--", .. command]);
}
