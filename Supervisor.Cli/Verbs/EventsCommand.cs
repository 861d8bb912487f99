using System.CommandLine;
using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;
using Supervisor.V1;

namespace Supervisor.Cli.Verbs;

/// <summary>
/// <c>supervisor events</c>: prints new events, or those from a number or a time on, of all namespaces, until interrupted or
/// until a time.
/// </summary>
internal static class EventsCommand
{
    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow events; this is done anyway, without --until" };
        var format = new Option<string>("--format")
        {
            Description = "text, json (one object a line), or a template such as '{{.Time}} {{.ID}} {{.Action}}'",
            HelpName = "text|json|TEMPLATE", DefaultValueFactory = _ => "text",
        };
        var json = JsonOption.Create("One JSON object a line, as --format json");
        var filters = new Option<string[]>("--filter")
        {
            Description = "container=ID, event=ACTION or type=container|image|…; or containerd's, e.g. topic~=|^/tasks/|",
            HelpName = "FILTER",
        };
        var from = new Option<long>("--from") {
            Description = "First the history from this number on (json shows numbers); 1 is its beginning", HelpName = "NUMBER" };
        var since = new Option<string?>("--since") {
            Description = $"First the history since then: {Times.Words}", HelpName = "TIME" };
        var until = new Option<string?>("--until") { Description = "Until then, and not until interrupted", HelpName = "TIME" };
        var command = new Command("events", "Prints events as they happen") { follow, format, json, filters, from, since, until };
        command.Does(async (parse, client, cancel) =>
        {
            if (parse.GetValue(since) is not null && parse.GetResult(from) is { Implicit: false })
                throw new CliException("--since: --from names a number; give one of them");
            if (parse.GetValue(from) < 0) throw new CliException($"--from: {parse.GetValue(from)} is no number of an event");
            var now = DateTimeOffset.UtcNow;
            var (begin, end) = (
                Times.Parse(since.Name, parse.GetValue(since), now), Times.Parse(until.Name, parse.GetValue(until), now));
            if (begin > end) throw new CliException("--until: is before --since");
            var chosen = EventFilter.Parse(parse.GetValue(filters) ?? []);
            var request = new EventsSubscribeRequest
            {
                From = parse.GetValue(from), Since = begin?.ToTimestamp(), Until = end?.ToTimestamp(),
                Filters = { chosen.Containerd },
            };
            // as docker: with an end alone, all that was before it
            if (request is { Until: not null, Since: null, From: 0 }) request.Since = DateTimeOffset.UnixEpoch.ToTimestamp();
            var render = Renderer(parse.GetValue(json) ? "json" : parse.GetRequiredValue(format));
            await StandardOutput.PrintAsync(
                (output, cancel) => client.StayAsync(async () =>
                {
                    await FollowAsync(client, request, chosen, render, output, cancel);
                    return 0;
                }),
                cancel);
            return 0;
        });
        return command;
    }

    private static Func<Event, string> Renderer(string format)
    {
        if (format is "text") return e => EventText.Of(e) + "\n";
        if (format is "json") return e => EventText.Json(e) + "\n";
        var template = Template.Parse(format);
        if (template.IsTable) throw new CliException("--format: events have no table: leave \"table\" out");
        return e => Format.Render(template, EventText.Json(e), EventText.Aliases);
    }

    /// <summary>Prints until the range ends; if the daemon stops, the request says where to resume.</summary>
    private static async Task FollowAsync(
        DaemonClient client, EventsSubscribeRequest request, EventFilter filter, Func<Event, string> render,
        StandardOutput output, CancellationToken cancel)
    {
        using var call = client.History.Subscribe(request, client.OpenEnded(cancel));
        var headers = await call.ResponseHeadersAsync.WaitAsync(cancel);
        if (long.TryParse(headers.GetValue(DaemonConventions.NextEventHeader), CultureInfo.InvariantCulture, out var next))
            ResumeFrom(next);
        while (await call.ResponseStream.MoveNext(cancel))
        {
            var @event = call.ResponseStream.Current;
            if (filter.Matches(@event)) output.Write(Encoding.UTF8.GetBytes(render(@event)));
            ResumeFrom(@event.Number + 1);
        }
        if (request.Until is null || request.Until.ToDateTimeOffset() > DateTimeOffset.UtcNow)
            throw new RpcException(new Status(StatusCode.Unavailable, DaemonConventions.Stopping)); // only a stop ends the stream

        // The time stays for the events that are read from there: a segment of the history begins before it.
        void ResumeFrom(long number)
        {
            if (request.Since is not null && number <= next) return;
            (request.From, request.Since) = (number, null);
        }
    }
}
