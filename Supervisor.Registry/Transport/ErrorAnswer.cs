using System.Net;
using System.Text.Json;

namespace Supervisor.Registry.Transport;

/// <summary>A registry's refusal as an exception. OCI distribution-spec, "Error codes".</summary>
internal static class ErrorAnswer
{
    private const int LongestBody = 64 * 1024, LongestText = 500;

    internal static async Task<RegistryException> ReadAsync(HttpResponseMessage answer, string request, CancellationToken cancel)
    {
        var said = await TextAsync(answer, cancel);
        var text = $"{request}: {(int)answer.StatusCode} {answer.ReasonPhrase}{(said.Length > 0 ? $": {said}" : "")}";
        return answer.StatusCode switch
        {
            HttpStatusCode.NotFound => new(RegistryFault.NotFound, text),
            HttpStatusCode.Unauthorized => new(
                RegistryFault.Unauthenticated, $"{text} (it may not exist, or needs a login: supervisor login HOST)"),
            HttpStatusCode.Forbidden => new(RegistryFault.PermissionDenied, text),
            HttpStatusCode.RequestEntityTooLarge => new(RegistryFault.ResourceExhausted, text),
            HttpStatusCode.TooManyRequests => new(RegistryFault.ResourceExhausted, text),
            >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout => new(RegistryFault.Unavailable, text),
            _ => new(RegistryFault.InvalidArgument, text),
        };
    }

    // {"errors":[{"code":"MANIFEST_UNKNOWN","message":"…"}]}, or whatever a proxy writes.
    private static async Task<string> TextAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        try
        {
            var bytes = await BoundedBody.ReadAsync(answer, LongestBody, cancel);
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind is JsonValueKind.Object
                && document.RootElement.TryGetProperty("errors", out var errors) && errors.ValueKind is JsonValueKind.Array)
                return Printable(string.Join("; ", errors.EnumerateArray().Where(e => e.ValueKind is JsonValueKind.Object)
                    .Take(3).Select(e => string.Join(": ",
                        new[] { Field(e, "code"), Field(e, "message") }.Where(t => t.Length > 0)))));
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException or RegistryException) { }
        return "";
    }

    private static string Field(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    // It goes to terminals: nothing of it may be an escape sequence.
    private static string Printable(string text) =>
        string.Concat(text.Take(LongestText).Select(c => char.IsControl(c) ? ' ' : c));
}
