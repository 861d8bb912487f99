using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Akka.Util;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>Objects as the three columns payload, manifest and serializer_id.</summary>
internal sealed class Payloads(ExtendedActorSystem system)
{
    /// <summary>With the serializer that the actor system's configuration binds to its type.</summary>
    public (byte[] Bytes, string Manifest, int Serializer) Pack(object payload)
    {
        var serializer = system.Serialization.FindSerializerFor(payload);
        var manifest = serializer switch
        {
            SerializerWithStringManifest named => named.Manifest(payload),
            { IncludeManifest: true } => payload.GetType().TypeQualifiedName(),
            _ => "",
        };
        return (serializer.ToBinary(payload), manifest, serializer.Identifier);
    }

    /// <param name="serializer">Null in rows of old versions: the serializer of the type that the manifest names.</param>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2057",
        Justification = "A manifest names a type that the program journals: a trimmed program keeps it.")]
    public object Unpack(byte[] bytes, string manifest, int? serializer)
    {
        if (serializer is { } id)
        {
            try
            {
                return system.Serialization.Deserialize(bytes, id, manifest);
            }
            catch (SerializationException) when (manifest.Length > 0 && Type.GetType(manifest, throwOnError: false) is null)
            {
                // An event adapter's manifest, in the column that this serializer does not use.
                return system.Serialization.Deserialize(bytes, id, "");
            }
        }
        var type = Type.GetType(manifest, throwOnError: true)!;
        return system.Serialization.FindSerializerForType(type).FromBinary(bytes, type);
    }
}
