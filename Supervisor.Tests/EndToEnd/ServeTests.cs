using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary><c>supervisor serve</c> becomes the daemon, which is another program.</summary>
public sealed class ServeTests
{
    [Fact]
    public async Task The_daemon_has_the_pid_and_the_environment_of_the_command()
    {
        await using var daemon = new DaemonProcess
        {
            Wrapper = ["sh", "-c", "export RAW=\"$(printf '\\377')\" EMPTY= PID=$$; exec \"$@\"", "sh"], // no UTF-8
        };
        await daemon.RestartAsync();
        Assert.EndsWith("/supervisor-daemon", new FileInfo($"/proc/{daemon.Pid}/exe").LinkTarget, StringComparison.Ordinal);
        var environment = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes($"/proc/{daemon.Pid}/environ")).Split('\0');
        Assert.Contains("RAW=\xff", environment);
        Assert.Contains("EMPTY=", environment);
        Assert.Contains($"PID={daemon.Pid}", environment);
    }

    [Fact]
    public async Task An_invalid_option_is_refused_before_the_daemon_is_executed() => Assert.Equal(
        new(125, "",
            "supervisor: \"--rot\": no such option; did you mean \"--root\"? (\"supervisor serve --help\" shows more)\n"),
        await RunAsync(CommandLine.Supervisor, "serve", "--rot", "/tmp"));

    [Fact]
    public async Task Without_the_daemons_program_the_error_says_where_it_belongs()
    {
        var alone = Directory.CreateTempSubdirectory("supervisor-alone-");
        try
        {
            var copy = Path.Join(alone.FullName, "supervisor");
            ProgramCopy.Make(CommandLine.Supervisor, copy);
            var serve = await RunAsync(copy, "serve", "--address", Path.Join(alone.FullName, "s"));
            Assert.Equal(125, serve.Status);
            Assert.Contains($"supervisor-daemon, the daemon's program, is not beside {alone.FullName}", serve.Errors,
                StringComparison.Ordinal);
        }
        finally
        {
            alone.Delete(recursive: true);
        }
    }
}
