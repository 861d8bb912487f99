using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Supervisor.Cli.Connection;

namespace Supervisor.Cli.Output;

/// <summary>JSON on stdout, indented; text is left readable, control characters are escaped.</summary>
internal static class JsonOutput
{
    public static string Render(Action<Utf8JsonWriter> write, bool indented = true)
    {
        using var buffer = new MemoryStream();
        var options = new JsonWriterOptions { Indented = indented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(buffer, options)) write(writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>A time, or null if it is not set.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, Google.Protobuf.WellKnownTypes.Timestamp? time)
    {
        if (time is null || time.Seconds <= DaemonConventions.Never.Seconds) json.WriteNull(name);
        else json.WriteString(name, time.ToDateTimeOffset());
    }

    public static void WriteMap(this Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, string>> map)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in map.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
        json.WriteEndObject();
    }
}
