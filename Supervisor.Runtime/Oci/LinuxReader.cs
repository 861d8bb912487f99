using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads a <see cref="LinuxSpec"/>.</summary>
internal static class LinuxReader
{
    public static LinuxSpec Read(ref Utf8JsonReader json) =>
        ReadObject(ref json, new LinuxSpec(), static (ref json, name, linux) => name switch
        {
            "namespaces" => linux with { Namespaces = ReadList(ref json, ReadNamespace) },
            "uidMappings" => linux with { UidMappings = IdValues.ReadMappings(ref json) },
            "gidMappings" => linux with { GidMappings = IdValues.ReadMappings(ref json) },
            "timeOffsets" => linux with { TimeOffsets = ReadMap(ref json, ReadTimeOffset) },
            "devices" => linux with { Devices = ReadList(ref json, ReadDevice) },
            "cgroupsPath" => linux with { CgroupsPath = ReadString(ref json) },
            "resources" => linux with { Resources = OrNull(ref json, ResourcesReader.Read) },
            "rootfsPropagation" => linux with { RootfsPropagation = ReadString(ref json) },
            "maskedPaths" => linux with { MaskedPaths = ReadStrings(ref json) },
            "readonlyPaths" => linux with { ReadonlyPaths = ReadStrings(ref json) },
            "sysctl" => linux with { Sysctl = ReadMap(ref json, ReadString) },
            "mountLabel" => linux with { MountLabel = ReadString(ref json) },
            "seccomp" => linux with { Seccomp = OrNull(ref json, SeccompReader.Read) },
            "intelRdt" => linux with { IntelRdt = OrNull(ref json, ReadIntelRdt) },
            "personality" => linux with { Personality = OrNull(ref json, ReadPersonality) },
            "netDevices" => linux with { NetDevices = ReadMap(ref json, ReadNetDevice) },
            "memoryPolicy" => linux with { MemoryPolicy = OrNull(ref json, ReadMemoryPolicy) },
            _ => Skip(ref json, linux),
        });

    private static NamespaceSpec ReadNamespace(ref Utf8JsonReader json) =>
        ReadObject(ref json, new NamespaceSpec(), static (ref json, name, space) => name switch
        {
            "type" => space with { Type = ReadString(ref json) },
            "path" => space with { Path = ReadString(ref json) },
            _ => Skip(ref json, space),
        });

    private static TimeOffsetSpec ReadTimeOffset(ref Utf8JsonReader json) =>
        ReadObject(ref json, new TimeOffsetSpec(), static (ref json, name, offset) => name switch
        {
            "secs" => offset with { Secs = ReadInt64(ref json) },
            "nanosecs" => offset with { Nanosecs = ReadUInt32(ref json) },
            _ => Skip(ref json, offset),
        });

    private static DeviceSpec ReadDevice(ref Utf8JsonReader json) =>
        ReadObject(ref json, new DeviceSpec(), static (ref json, name, device) => name switch
        {
            "type" => device with { Type = ReadString(ref json) },
            "path" => device with { Path = ReadString(ref json) },
            "major" => device with { Major = ReadInt64(ref json) },
            "minor" => device with { Minor = ReadInt64(ref json) },
            "fileMode" => device with { FileMode = Optional(ref json, ReadUInt32) },
            "uid" => device with { Uid = Optional(ref json, IdValues.ReadId) },
            "gid" => device with { Gid = Optional(ref json, IdValues.ReadId) },
            _ => Skip(ref json, device),
        });

    private static IntelRdtSpec ReadIntelRdt(ref Utf8JsonReader json) =>
        ReadObject(ref json, new IntelRdtSpec(), static (ref json, name, rdt) => name switch
        {
            "closID" => rdt with { ClosID = ReadString(ref json) },
            "l3CacheSchema" => rdt with { L3CacheSchema = ReadString(ref json) },
            "memBwSchema" => rdt with { MemBwSchema = ReadString(ref json) },
            _ => Skip(ref json, rdt),
        });

    private static PersonalitySpec ReadPersonality(ref Utf8JsonReader json) =>
        ReadObject(ref json, new PersonalitySpec(), static (ref json, name, personality) => name switch
        {
            "domain" => personality with { Domain = ReadString(ref json) },
            "flags" => personality with { Flags = ReadStrings(ref json) },
            _ => Skip(ref json, personality),
        });

    private static NetDeviceSpec ReadNetDevice(ref Utf8JsonReader json) =>
        ReadObject(ref json, new NetDeviceSpec(), static (ref json, name, device) => name switch
        {
            "name" => device with { Name = ReadString(ref json) },
            _ => Skip(ref json, device),
        });

    private static MemoryPolicySpec ReadMemoryPolicy(ref Utf8JsonReader json) =>
        ReadObject(ref json, new MemoryPolicySpec(), static (ref json, name, policy) => name switch
        {
            "mode" => policy with { Mode = ReadString(ref json) },
            "nodes" => policy with { Nodes = ReadString(ref json) },
            "flags" => policy with { Flags = ReadStrings(ref json) },
            _ => Skip(ref json, policy),
        });
}
