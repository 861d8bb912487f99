using System.Text;
using System.Text.Json;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary>A container in <c>state</c> and <c>list</c>: runc's names, in runc's order.</summary>
internal static class StateJson
{
    public static string Of(LiveContainer live)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true })) Write(json, live);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static string Of(IReadOnlyList<LiveContainer> all)
    {
        if (all.Count == 0) return "null"; // as Go writes a nil slice
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var live in all) Write(json, live);
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>As Go formats a time.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff00Z");

    /// <summary>Absolute.</summary>
    public static string Rootfs(ContainerState state) => Path.GetFullPath(state.Spec.Root?.Path ?? "rootfs", state.Bundle);

    private static void Write(Utf8JsonWriter json, LiveContainer live)
    {
        var state = live.State;
        json.WriteStartObject();
        json.WriteString("ociVersion", DefaultSpec.Version);
        json.WriteString("id", state.Id);
        json.WriteNumber("pid", live.Pid);
        json.WriteString("status", live.Status);
        json.WriteString("bundle", state.Bundle);
        json.WriteString("rootfs", Rootfs(state));
        json.WriteString("created", Time(state.Created));
        if (state.Spec.Annotations.Count > 0)
        {
            json.WriteStartObject("annotations");
            foreach (var (key, value) in state.Spec.Annotations) json.WriteString(key, value);
            json.WriteEndObject();
        }
        json.WriteString("owner", OwnerName.Of(state.Owner));
        json.WriteEndObject();
    }
}
