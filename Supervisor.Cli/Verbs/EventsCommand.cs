using System.CommandLine;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.V1;

namespace Supervisor.Cli.Verbs;

/// <summary>
/// <c>supervisor events</c>: prints new events, or those from a number on, of all namespaces, until interrupted.
/// </summary>
internal static class EventsCommand
{
    // As filters spell them: event.container_id.
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    private static readonly TypeRegistry Known = TypeRegistry.FromFiles(Containerd.Events.EventsReflection.Descriptor);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f")
        {
            Description = "Follow events; this is always done",
        };
        var format = new Option<string>("--format") {
            Description = "text or json (one object a line)", DefaultValueFactory = _ => "text" };
        format.OnlyOf("text", "json");
        var filters = new Option<string[]>("--filter") {
            Description = "containerd filter, e.g. topic~=|^/tasks/|", HelpName = "FILTER" };
        var from = new Option<long>("--from") {
            Description = "First the history from this number on (json shows numbers); 1 is its beginning", HelpName = "NUMBER" };
        var command = new Command("events", "Prints events as they happen") { follow, format, filters, from };
        command.Does(async (parse, client, cancel) =>
        {
            var json = parse.GetValue(format) == "json";
            var request = new EventsSubscribeRequest { From = parse.GetValue(from), Filters = { parse.GetValue(filters) ?? [] } };
            await StandardOutput.PrintAsync(
                (output, cancel) => client.StayAsync(async () =>
                {
                    await FollowAsync(client, request, json ? Json : Text, output, cancel);
                    return 0;
                }),
                cancel);
            return 0;
        });
        return command;
    }

    /// <summary>Prints until the daemon stops; the request then says where to resume.</summary>
    private static async Task FollowAsync(
        DaemonClient client, EventsSubscribeRequest request, Func<Event, string> render, StandardOutput output,
        CancellationToken cancel)
    {
        using var call = client.History.Subscribe(request, client.OpenEnded(cancel));
        var headers = await call.ResponseHeadersAsync.WaitAsync(cancel);
        if (long.TryParse(headers.GetValue(DaemonConventions.NextEventHeader), CultureInfo.InvariantCulture, out var next))
            request.From = next;
        while (await call.ResponseStream.MoveNext(cancel))
        {
            output.Write(Encoding.UTF8.GetBytes(render(call.ResponseStream.Current) + "\n"));
            request.From = call.ResponseStream.Current.Number + 1;
        }
        throw new RpcException(new Status(StatusCode.Unavailable, DaemonConventions.Stopping)); // only a stop ends the stream
    }

    private static string Text(Event e) =>
        $"{e.Timestamp.ToDateTimeOffset():yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'} {e.Namespace} {e.Topic} {Body(e)}";

    private static string Json(Event e) => JsonOutput.Render(
        json =>
        {
            json.WriteStartObject();
            json.WriteNumber("number", e.Number);
            json.WriteTime("timestamp", e.Timestamp);
            json.WriteString("namespace", e.Namespace);
            json.WriteString("topic", e.Topic);
            json.WriteString("type", e.Event_.TypeUrl);
            json.WritePropertyName("event");
            json.WriteRawValue(Body(e));
            json.WriteEndObject();
        },
        indented: false);

    /// <summary>JSON of a known type; otherwise its bytes in base64.</summary>
    private static string Body(Event e)
    {
        try
        {
            return Parse(e.Event_) is { } message ? Formatter.Format(message) : $"\"{e.Event_.Value.ToBase64()}\"";
        }
        catch (InvalidOperationException)
        {
            return $"\"{e.Event_.Value.ToBase64()}\""; // it holds an Any of a type that the formatter does not know
        }
    }

    /// <summary>Null for an unknown type, or for bytes that are not such a message.</summary>
    private static IMessage? Parse(Any any)
    {
        // Clients of other origin may put Google's prefix in front of the type's name.
        if (Known.Find(any.TypeUrl[(any.TypeUrl.LastIndexOf('/') + 1)..]) is not { } descriptor) return null;
        try
        {
            return descriptor.Parser.ParseFrom(any.Value);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
