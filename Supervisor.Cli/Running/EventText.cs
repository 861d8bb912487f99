using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Output;
using Supervisor.V1;

namespace Supervisor.Cli.Running;

/// <summary>An event as text: containerd's message, and docker's words for it.</summary>
internal static class EventText
{
    // As filters spell them: event.container_id.
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    private static readonly TypeRegistry Known = TypeRegistry.FromFiles(Containerd.Events.EventsReflection.Descriptor);

    /// <summary>docker's names of fields.</summary>
    public static readonly IReadOnlyDictionary<string, string> Aliases =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["status"] = "action", ["time"] = "timestamp" };

    /// <summary>A line for people.</summary>
    public static string Of(Event e) =>
        $"{e.Timestamp.ToDateTimeOffset():yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'} {e.Namespace} {e.Topic} {Body(e)}";

    /// <summary>One object, on one line.</summary>
    public static string Json(Event e) => JsonOutput.Render(
        json =>
        {
            json.WriteStartObject();
            json.WriteNumber("number", e.Number);
            json.WriteTime("timestamp", e.Timestamp);
            json.WriteString("namespace", e.Namespace);
            json.WriteString("topic", e.Topic);
            json.WriteString("type", e.Event_.TypeUrl);
            json.WriteString("id", Id(e));
            json.WriteString("action", Action(e));
            json.WritePropertyName("event");
            json.WriteRawValue(Body(e));
            json.WriteEndObject();
        },
        indented: false);

    /// <summary>The container's id, or the name of what it is about; empty for none.</summary>
    public static string Id(Event e)
    {
        var message = Parse(e.Event_);
        return Text(message, "container_id") ?? Text(message, "id") ?? Text(message, "name") ?? Text(message, "key") ?? "";
    }

    /// <summary>docker's word for what has happened, or containerd's where docker has none.</summary>
    public static string Action(Event e) => e.Topic switch
    {
        "/containers/delete" => "destroy",
        "/tasks/exit" => Parse(e.Event_) is var exit && Text(exit, "id") == Text(exit, "container_id") ? "die" : "exec_die",
        "/tasks/paused" => "pause",
        "/tasks/resumed" => "unpause",
        "/tasks/exec-added" => "exec_create",
        "/tasks/exec-started" => "exec_start",
        "/tasks/checkpointed" => "checkpoint",
        var topic => Words(topic).Action,
    };

    /// <summary>What a topic is of, and containerd's word for what has happened: <c>/tasks/exit</c> is of a task.</summary>
    public static (string Kind, string Action) Words(string topic) =>
        topic.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
        {
            [var kind, .., var action] => (kind.EndsWith('s') ? kind[..^1] : kind, action),
            [var only] => (only, only),
            _ => ("", ""),
        };

    private static string? Text(IMessage? message, string field) =>
        message?.Descriptor.FindFieldByName(field)?.Accessor.GetValue(message) as string;

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
