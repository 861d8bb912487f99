using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads user and group ids.</summary>
internal static class IdValues
{
    // (uid_t)-1 makes setresuid(2), chown(2) and others leave an id unchanged: the process would stay root.
    public static uint ReadId(ref Utf8JsonReader json) => ReadUInt32(ref json) is var id and not uint.MaxValue
        ? id : throw Unreadable(ref json, "4294967295 is not an id: the kernel takes it as \"no change\"");

    public static List<IdMappingSpec> ReadMappings(ref Utf8JsonReader json) => ReadList(ref json, ReadMapping);

    private static IdMappingSpec ReadMapping(ref Utf8JsonReader json)
    {
        var mapping = ReadObject(ref json, new IdMappingSpec(), static (ref json, name, mapping) => name switch
        {
            "containerID" => mapping with { ContainerID = ReadUInt32(ref json) },
            "hostID" => mapping with { HostID = ReadUInt32(ref json) },
            "size" => mapping with { Size = ReadUInt32(ref json) },
            _ => Skip(ref json, mapping),
        });
        if (mapping.Size == 0) throw Unreadable(ref json, "must be at least 1", ".size");
        if ((ulong)mapping.ContainerID + mapping.Size > uint.MaxValue)
            throw Unreadable(ref json, "the range exceeds the last id", ".containerID");
        if ((ulong)mapping.HostID + mapping.Size > uint.MaxValue)
            throw Unreadable(ref json, "the range exceeds the last id", ".hostID");
        return mapping;
    }
}
