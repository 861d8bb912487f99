using System.Text.Json;
using Containerd.Services.Containers.V1;

namespace Supervisor.Cli.Output;

/// <summary>Reads a container's spec, which may be any JSON.</summary>
internal static class SpecJson
{
    /// <summary>The program and its arguments; empty when the spec has none or is unreadable.</summary>
    public static IReadOnlyList<string> Command(Container container)
    {
        try
        {
            using var spec = JsonDocument.Parse(container.Spec?.Value.Memory ?? default);
            return [.. spec.RootElement.GetProperty("process").GetProperty("args").EnumerateArray()
                .Select(a => a.GetString() ?? "")];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [];
        }
    }

    /// <summary>The document itself; null if it is not JSON.</summary>
    public static string? Document(Container container)
    {
        try
        {
            using var spec = JsonDocument.Parse(container.Spec?.Value.Memory ?? default);
            return spec.RootElement.GetRawText();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
