using System.Text.Json;

namespace Supervisor.Registry.Manifests;

/// <summary>Fields of documents that a registry sent: nothing of them is trusted.</summary>
internal static class Json
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32 };

    /// <exception cref="RegistryException">It is no JSON object.</exception>
    internal static JsonDocument Parse(ReadOnlyMemory<byte> bytes, string what)
    {
        try
        {
            var document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind is JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException e)
        {
            throw new RegistryException(RegistryFault.InvalidArgument, $"{what} is not JSON: {e.Message}", e);
        }
        throw Wrong(what, "is not an object");
    }

    internal static string Text(JsonElement json, string name, string where) =>
        TextOrEmpty(json, name) is { Length: > 0 } text ? text : throw Wrong($"{where}.{name}", "is missing");

    internal static string TextOrEmpty(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    internal static string Short(string text) => text[..Math.Min(text.Length, 160)];

    internal static RegistryException Wrong(string where, string what) => new(RegistryFault.InvalidArgument, $"{where} {what}");
}
