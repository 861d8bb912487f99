using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Client.Errors;

namespace Supervisor.Client.Connection;

/// <summary>JSON of the OCI runtime specification, as containerd carries it: in an Any (typeurl).</summary>
internal static class JsonSpec
{
    private const string Prefix = "types.containerd.io/opencontainers/runtime-spec/1/";

    /// <param name="json">A JSON object.</param>
    /// <param name="type">Spec, Process or LinuxResources.</param>
    /// <param name="field">Its name, for the message of a refusal.</param>
    public static Any Pack(string json, string type, string field)
    {
        using var document = Parse(json, field);
        return new Any { TypeUrl = Prefix + type, Value = ByteString.CopyFromUtf8(json) };
    }

    /// <summary>Whether a process has a terminal (runtime-spec, config.md, process).</summary>
    public static bool HasTerminal(string json, bool isWholeSpec)
    {
        using var document = Parse(json, isWholeSpec ? "spec" : "process");
        var process = document.RootElement;
        if (isWholeSpec && !process.TryGetProperty("process", out process)) return false;
        return process.ValueKind is JsonValueKind.Object && process.TryGetProperty("terminal", out var terminal)
            && terminal.ValueKind is JsonValueKind.True;
    }

    private static JsonDocument Parse(string json, string field)
    {
        try
        {
            var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind is JsonValueKind.Object) return document;
            document.Dispose();
            throw new ClientException(
                ErrorCode.InvalidArgument, $"{field}: a JSON object is needed (OCI runtime-spec, config.md)");
        }
        catch (JsonException e)
        {
            throw new ClientException(ErrorCode.InvalidArgument, $"{field}: no valid JSON: {e.Message}", e);
        }
    }
}
