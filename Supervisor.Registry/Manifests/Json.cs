using System.Text.Json;

namespace Supervisor.Registry.Manifests;

/// <summary>Fields of documents that a registry sent: nothing of them is trusted.</summary>
internal static class Json
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32 };

    /// <summary>Reads a document.</summary>
    /// <exception cref="RegistryException">It is no JSON object, or one of its texts is none.</exception>
    internal static T Read<T>(ReadOnlyMemory<byte> bytes, string what, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            return document.RootElement.ValueKind is JsonValueKind.Object
                ? read(document.RootElement) : throw Wrong(what, "is not an object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter: a name or a text that is neither UTF-8 nor UTF-16, which the parser lets pass.
            throw new RegistryException(RegistryFault.InvalidArgument, $"{what} is not JSON: {e.Message}", e);
        }
    }

    internal static string Text(JsonElement json, string name, string where) =>
        TextOrEmpty(json, name) is { Length: > 0 } text ? text : throw Wrong($"{where}.{name}", "is missing");

    internal static string TextOrEmpty(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    internal static string Short(string text) => text[..Math.Min(text.Length, 160)];

    internal static RegistryException Wrong(string where, string what) => new(RegistryFault.InvalidArgument, $"{where} {what}");
}
