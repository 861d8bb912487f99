using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>ps and inspect with docker's options, and where the daemon's address and the namespace come from.</summary>
public sealed class ListingTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        Ok(await _daemon.Do(
            "run", "-d", "--name", "web1", "--rootfs", "/", "--", "sh", "-c", "sleep 1000 # a comment that is long"));
        Ok(await _daemon.Do("run", "-d", "--name", "job1", "--rootfs", "/", "--", "sh", "-c", "exit 3"));
        Ok(await _daemon.Do("wait", "job1"));
    }

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("", "web1")]
    [InlineData("-a", "job1 web1")]
    [InlineData("--filter name=web", "web1")]
    [InlineData("-a --filter name=web --filter name=job", "job1 web1")]
    [InlineData("-a --filter name=web --filter status=exited", "")]
    [InlineData("--filter status=exited", "job1")] // without -a, as docker
    [InlineData("--filter status=running --filter status=exited", "job1 web1")]
    [InlineData("-f exited=3", "job1")]
    [InlineData("-f exited=4", "")]
    [InlineData("-a -f label=supervisor.io/log", "job1 web1")]
    [InlineData("-a -f label=supervisor.io/log=elsewhere", "")]
    public async Task Ps_lists_what_its_filters_choose(string options, string ids) => Assert.Equal(
        ids, string.Join(' ', Ok(await _daemon.Do(["ps", "-q", .. Words(options)]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)));

    [Fact]
    public async Task Ps_and_inspect_print_by_a_template()
    {
        Assert.Equal("web1 running\n", Ok(await _daemon.Do("ps", "--format", "{{.Names}} {{.State}}")));
        Assert.Equal("ID    STATUS\nweb1  running\n", Ok(await _daemon.Do("ps", "--format", "table {{.ID}}\\t{{.Status}}")));
        Assert.Equal("\"job1\" stopped 3\nweb1\n".Replace("web1\n", "\"web1\" running \n", StringComparison.Ordinal),
            Ok(await _daemon.Do("inspect", "-f", "{{json .Id}} {{.Task.Status}} {{.Task.ExitStatus}}", "job1", "web1")));
    }

    [Fact]
    public async Task Commands_are_cut_unless_asked_otherwise()
    {
        Assert.DoesNotContain("long", Ok(await _daemon.Do("ps")), StringComparison.Ordinal);
        Assert.Contains("sh -c sleep 1000 # a comment that is long\n", Ok(await _daemon.Do("ps", "--no-trunc")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ps --filter status=dead", "--filter: \"dead\" is no status")]
    [InlineData("ps --filter web", "--filter: \"web\" is not KEY=VALUE")]
    [InlineData("ps --filter volume=x", "--filter: \"volume\" is not known")]
    [InlineData("ps --filter exited=x", "--filter: \"x\" is no exit code")]
    [InlineData("ps --format {{.Ports}}", "--format: there is no .Ports: there are .id, ")]
    public async Task A_wrong_option_is_named_with_what_there_is(string line, string flaw)
    {
        var refused = await _daemon.Do(Words(line));
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_and_the_namespace_can_come_from_the_environment_and_options_come_first()
    {
        var variables = $"SUPERVISOR_ADDRESS={_daemon.Address} SUPERVISOR_NAMESPACE={_daemon.Namespace}";
        Assert.Equal("web1\n", Ok(await Shell($"{variables} {CommandLine.Supervisor} ps -q")));
        Assert.Equal("", Ok(await Shell($"{variables} {CommandLine.Supervisor} --namespace other ps -q")));
        Assert.Equal("web1\n", Ok(await Shell($"SUPERVISOR_NAMESPACE=other {CommandLine.Supervisor} --address {_daemon.Address} "
            + $"-n {_daemon.Namespace} ps -q")));
        var nowhere = await Shell($"SUPERVISOR_ADDRESS=/nowhere {CommandLine.Supervisor} run --rootfs / -- true");
        Assert.Equal(125, nowhere.Status);
        Assert.Contains("/nowhere", nowhere.Errors, StringComparison.Ordinal);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static Task<Outcome> Shell(string line) => RunAsync("sh", "-c", line);
}
