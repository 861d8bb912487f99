using System.Buffers;
using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>What hooks read on their standard input, and `state` prints. runtime-spec, runtime.md, "State".</summary>
/// <param name="Status"><c>creating</c>, <c>created</c>, <c>running</c> or <c>stopped</c>.</param>
/// <param name="Pid">In the reader's pid namespace; 0 for none.</param>
/// <param name="Bundle">Absolute.</param>
public sealed record ContainerState(
    string OciVersion, string Id, string Status, int Pid, string Bundle, IReadOnlyDictionary<string, string> Annotations)
{
    /// <summary>The JSON object, UTF-8, on one line.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer);
        WriteTo(writer);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    internal void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("ociVersion", OciVersion);
        writer.WriteString("id", Id);
        writer.WriteString("status", Status);
        if (Pid > 0) writer.WriteNumber("pid", Pid);
        writer.WriteString("bundle", Bundle);
        if (Annotations.Count > 0)
        {
            writer.WriteStartObject("annotations");
            foreach (var (name, value) in Annotations) writer.WriteString(name, value);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }
}
