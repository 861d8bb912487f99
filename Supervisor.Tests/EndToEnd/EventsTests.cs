using System.Text.Json;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The history of events by time, with docker's filters and formats.</summary>
public sealed class EventsTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        Ok(await _daemon.Do("run", "--name", "a", "--rootfs", "/", "true"));
        Ok(await _daemon.Do("run", "--name", "b", "--rootfs", "/", "true"));
    }

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_range_of_time_is_printed_and_ends()
    {
        var all = await Numbers("--until", "0s");
        Assert.NotEmpty(all);
        Assert.Equal(all.Order(), all);
        Assert.Equal(all, await Numbers("--since", "1h", "--until", "0s"));
        Assert.Empty(await Numbers("--since", "1h", "--until", "30m"));
        // Between the two containers.
        var start = await Events("--until", "0s", "--filter", "container=b", "--filter", "event=create");
        var time = start[0].GetProperty("timestamp").GetString()!;
        var since = await Events("--since", time, "--until", "0s");
        Assert.All(since, e => Assert.NotEqual("a", e.GetProperty("id").GetString()));
        Assert.Equal(start[0].GetProperty("number").GetInt64(), since[0].GetProperty("number").GetInt64());
        var until = await Events("--until", time);
        Assert.Equal(all.Count, since.Count + until.Count - 1); // the one at that time is in both
    }

    [Fact]
    public async Task New_events_follow_until_a_time_to_come()
    {
        var following = Events("--since", "1h", "--until=-5s", "--filter", "container=later", "--filter", "event=die");
        Ok(await _daemon.Do("run", "--name", "later", "--rootfs", "/", "true"));
        Assert.Equal("die", Assert.Single(await following).GetProperty("action").GetString());
    }

    [Fact]
    public async Task Filters_and_formats_are_dockers()
    {
        Assert.Equal("a create\na start\na die\n", Ok(await _daemon.Do(
            "events", "--until", "0s", "--filter", "container=a", "--filter", "type=container", "--filter", "event=create",
            "--filter", "event=start", "--filter", "event=die", "--filter", "topic!=\"/tasks/create\"",
            "--format", "{{.ID}} {{.Action}}")));
        Assert.NotEmpty(await Numbers("--until", "0s", "--filter", "type=task"));
        var line = Ok(await _daemon.Do("events", "--until", "0s", "--filter", "container=a", "--filter", "event=die", "--format",
            "{{json .}}"));
        Assert.Equal("a", JsonDocument.Parse(line).RootElement.GetProperty("event").GetProperty("container_id").GetString());
    }

    [Theory]
    [InlineData("--filter label=x=y", "--filter: label: an event has no labels")]
    [InlineData("--filter image=x", "--filter: \"image\" is not a key: there are container, event, type")]
    [InlineData("--since soon", "--since: \"soon\" is not a time")]
    [InlineData("--since 1m --until 2m", "--until: is before --since")]
    [InlineData("--since 1m --from 1", "--since: --from names a number")]
    [InlineData("--from -1", "--from: -1 is no number of an event")]
    [InlineData("--format words", "--format: \"words\" is neither")]
    public async Task A_wrong_argument_is_named(string arguments, string flaw)
    {
        var refused = await _daemon.Do(["events", .. arguments.Split(' ')]);
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }

    private async Task<List<JsonElement>> Events(params string[] arguments) =>
        [.. Ok(await _daemon.Do(["events", "--json", .. arguments])).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonDocument.Parse(l).RootElement)];

    private async Task<List<long>> Numbers(params string[] arguments) =>
        [.. (await Events(arguments)).Select(e => e.GetProperty("number").GetInt64())];
}
