using System.CommandLine;
using Containerd.Services.Events.V1;
using Google.Protobuf;
using Grpc.Core;
using Supervisor.Host.Filters;

namespace Supervisor.Host.Cli;

/// <summary><c>supervisor events</c>: what happens from now on, in all namespaces, until interrupted.</summary>
internal static class EventsCommand
{
    // As filters spell them: event.container_id.
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f")
        {
            Description = "Go on for ever; events are always followed, since none are kept for late comers yet",
        };
        var format = new Option<string>("--format") { Description = "text or json (one object a line)", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var filters = new Option<string[]>("--filter") { Description = "containerd filter, e.g. topic~=|^/tasks/|", HelpName = "FILTER" };
        var command = new Command("events", "Prints events as they happen") { follow, format, filters };
        command.Does(async (parse, client, cancel) =>
        {
            var json = parse.GetValue(format) == "json";
            var request = new SubscribeRequest { Filters = { parse.GetValue(filters) ?? [] } };
            using var call = client.Events.Subscribe(request, client.OpenEnded(cancel));
            while (await call.ResponseStream.MoveNext(cancel))
            {
                await Console.Out.WriteLineAsync(json ? Json(call.ResponseStream.Current) : Text(call.ResponseStream.Current));
                await Console.Out.FlushAsync(cancel);
            }
            return 0;
        });
        return command;
    }

    private static string Text(Envelope e) =>
        $"{e.Timestamp.ToDateTimeOffset():yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'} {e.Namespace} {e.Topic} {Body(e)}";

    private static string Json(Envelope e) => JsonOutput.Render(
        json =>
        {
            json.WriteStartObject();
            json.WriteTime("timestamp", e.Timestamp);
            json.WriteString("namespace", e.Namespace);
            json.WriteString("topic", e.Topic);
            json.WriteString("type", e.Event.TypeUrl);
            json.WritePropertyName("event");
            json.WriteRawValue(Body(e));
            json.WriteEndObject();
        },
        indented: false);

    /// <summary>JSON of a type we know; else its bytes in base64.</summary>
    private static string Body(Envelope e)
    {
        try
        {
            return EventFields.Parse(e.Event) is { } message ? Formatter.Format(message) : $"\"{e.Event.Value.ToBase64()}\"";
        }
        catch (InvalidOperationException)
        {
            return $"\"{e.Event.Value.ToBase64()}\""; // it holds an Any of a type that the formatter does not know
        }
    }
}
