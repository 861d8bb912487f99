using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>Writes specs in the form of <c>config.json</c>.</summary>
public static class SpecWriter
{
    /// <summary>The document, UTF-8, on one line, without null and empty values.</summary>
    public static byte[] Write(Spec spec) => JsonSerializer.SerializeToUtf8Bytes(spec, SpecJson.Of<Spec>());

    /// <summary>As <see cref="Write(Spec)"/>, for the process of an exec.</summary>
    public static byte[] Write(ProcessSpec process) => JsonSerializer.SerializeToUtf8Bytes(process, SpecJson.Of<ProcessSpec>());

    /// <summary>As <see cref="Write(Spec)"/>, for new limits.</summary>
    public static byte[] Write(ResourcesSpec resources) =>
        JsonSerializer.SerializeToUtf8Bytes(resources, SpecJson.Of<ResourcesSpec>());
}
