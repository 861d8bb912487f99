using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Supervisor.Runtime.Oci;

/// <summary>How specs are written as JSON. Generated at compile time: the shim has no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Spec))]
[JsonSerializable(typeof(ProcessSpec))]
[JsonSerializable(typeof(ResourcesSpec))]
[JsonSerializable(typeof(SeccompSpec))]
internal sealed partial class SpecJson : JsonSerializerContext
{
    /// <summary>Metadata of <typeparamref name="T"/>, one of the types above.</summary>
    public static JsonTypeInfo<T> Of<T>() => (JsonTypeInfo<T>)Configured.Options.GetTypeInfo(typeof(T));

    // Go's omitempty: an empty list is not written.
    private static void OmitEmpty(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(IEnumerable)))
                property.ShouldSerialize = static (_, value) => value is not (null or ICollection { Count: 0 });
        }
    }

    // A separate class: static fields of the generated half may be initialized after those of this half.
    private static class Configured
    {
        public static readonly JsonSerializerOptions Options = new(Default.Options)
        {
            TypeInfoResolver = Default.WithAddedModifier(OmitEmpty),
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // never embedded in HTML
        };
    }
}
