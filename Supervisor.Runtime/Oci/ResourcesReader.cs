using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads a <see cref="ResourcesSpec"/>.</summary>
internal static class ResourcesReader
{
    public static ResourcesSpec Read(ref Utf8JsonReader json) =>
        ReadObject(ref json, new ResourcesSpec(), static (ref json, name, resources) => name switch
        {
            "devices" => resources with { Devices = ReadList(ref json, ReadDeviceRule) },
            "memory" => resources with { Memory = OrNull(ref json, ReadMemory) },
            "cpu" => resources with { Cpu = OrNull(ref json, ReadCpu) },
            "pids" => resources with { Pids = OrNull(ref json, ReadPids) },
            "blockIO" => resources with { BlockIO = OrNull(ref json, ReadBlockIO) },
            "hugepageLimits" => resources with { HugepageLimits = ReadList(ref json, ReadHugepageLimit) },
            "network" => resources with { Network = OrNull(ref json, ReadNetwork) },
            "rdma" => resources with { Rdma = ReadMap(ref json, ReadRdma) },
            "unified" => resources with { Unified = ReadMap(ref json, ReadString) },
            _ => Skip(ref json, resources),
        });

    private static DeviceRuleSpec ReadDeviceRule(ref Utf8JsonReader json) =>
        ReadObject(ref json, new DeviceRuleSpec(), static (ref json, name, rule) => name switch
        {
            "allow" => rule with { Allow = ReadBoolean(ref json) },
            "type" => rule with { Type = ReadString(ref json) },
            "major" => rule with { Major = Optional(ref json, ReadInt64) },
            "minor" => rule with { Minor = Optional(ref json, ReadInt64) },
            "access" => rule with { Access = ReadString(ref json) },
            _ => Skip(ref json, rule),
        });

    private static MemorySpec ReadMemory(ref Utf8JsonReader json) =>
        ReadObject(ref json, new MemorySpec(), static (ref json, name, memory) => name switch
        {
            "limit" => memory with { Limit = Optional(ref json, ReadInt64) },
            "reservation" => memory with { Reservation = Optional(ref json, ReadInt64) },
            "swap" => memory with { Swap = Optional(ref json, ReadInt64) },
            "kernel" => memory with { Kernel = Optional(ref json, ReadInt64) },
            "kernelTCP" => memory with { KernelTCP = Optional(ref json, ReadInt64) },
            "swappiness" => memory with { Swappiness = Optional(ref json, ReadUInt64) },
            "disableOOMKiller" => memory with { DisableOomKiller = Optional(ref json, ReadBoolean) },
            "useHierarchy" => memory with { UseHierarchy = Optional(ref json, ReadBoolean) },
            "checkBeforeUpdate" => memory with { CheckBeforeUpdate = Optional(ref json, ReadBoolean) },
            _ => Skip(ref json, memory),
        });

    private static CpuSpec ReadCpu(ref Utf8JsonReader json) =>
        ReadObject(ref json, new CpuSpec(), static (ref json, name, cpu) => name switch
        {
            "shares" => cpu with { Shares = Optional(ref json, ReadUInt64) },
            "quota" => cpu with { Quota = Optional(ref json, ReadInt64) },
            "burst" => cpu with { Burst = Optional(ref json, ReadUInt64) },
            "period" => cpu with { Period = Optional(ref json, ReadUInt64) },
            "realtimeRuntime" => cpu with { RealtimeRuntime = Optional(ref json, ReadInt64) },
            "realtimePeriod" => cpu with { RealtimePeriod = Optional(ref json, ReadUInt64) },
            "cpus" => cpu with { Cpus = ReadString(ref json) },
            "mems" => cpu with { Mems = ReadString(ref json) },
            "idle" => cpu with { Idle = Optional(ref json, ReadInt64) },
            _ => Skip(ref json, cpu),
        });

    private static PidsSpec ReadPids(ref Utf8JsonReader json) =>
        ReadObject(ref json, new PidsSpec(), static (ref json, name, pids) => name switch
        {
            "limit" => pids with { Limit = Optional(ref json, ReadInt64) },
            _ => Skip(ref json, pids),
        });

    private static BlockIOSpec ReadBlockIO(ref Utf8JsonReader json) =>
        ReadObject(ref json, new BlockIOSpec(), static (ref json, name, io) => name switch
        {
            "weight" => io with { Weight = Optional(ref json, ReadUInt16) },
            "leafWeight" => io with { LeafWeight = Optional(ref json, ReadUInt16) },
            "weightDevice" => io with { WeightDevice = ReadList(ref json, ReadWeightDevice) },
            "throttleReadBpsDevice" => io with { ThrottleReadBpsDevice = ReadList(ref json, ReadThrottleDevice) },
            "throttleWriteBpsDevice" => io with { ThrottleWriteBpsDevice = ReadList(ref json, ReadThrottleDevice) },
            "throttleReadIOPSDevice" => io with { ThrottleReadIopsDevice = ReadList(ref json, ReadThrottleDevice) },
            "throttleWriteIOPSDevice" => io with { ThrottleWriteIopsDevice = ReadList(ref json, ReadThrottleDevice) },
            _ => Skip(ref json, io),
        });

    private static WeightDeviceSpec ReadWeightDevice(ref Utf8JsonReader json) =>
        ReadObject(ref json, new WeightDeviceSpec(), static (ref json, name, device) => name switch
        {
            "major" => device with { Major = ReadInt64(ref json) },
            "minor" => device with { Minor = ReadInt64(ref json) },
            "weight" => device with { Weight = Optional(ref json, ReadUInt16) },
            "leafWeight" => device with { LeafWeight = Optional(ref json, ReadUInt16) },
            _ => Skip(ref json, device),
        });

    private static ThrottleDeviceSpec ReadThrottleDevice(ref Utf8JsonReader json) =>
        ReadObject(ref json, new ThrottleDeviceSpec(), static (ref json, name, device) => name switch
        {
            "major" => device with { Major = ReadInt64(ref json) },
            "minor" => device with { Minor = ReadInt64(ref json) },
            "rate" => device with { Rate = ReadUInt64(ref json) },
            _ => Skip(ref json, device),
        });

    private static HugepageLimitSpec ReadHugepageLimit(ref Utf8JsonReader json) =>
        ReadObject(ref json, new HugepageLimitSpec(), static (ref json, name, limit) => name switch
        {
            "pageSize" => limit with { PageSize = ReadString(ref json) },
            "limit" => limit with { Limit = ReadUInt64(ref json) },
            _ => Skip(ref json, limit),
        });

    private static NetworkSpec ReadNetwork(ref Utf8JsonReader json) =>
        ReadObject(ref json, new NetworkSpec(), static (ref json, name, network) => name switch
        {
            "classID" => network with { ClassID = Optional(ref json, ReadUInt32) },
            "priorities" => network with { Priorities = ReadList(ref json, ReadPriority) },
            _ => Skip(ref json, network),
        });

    private static InterfacePrioritySpec ReadPriority(ref Utf8JsonReader json) =>
        ReadObject(ref json, new InterfacePrioritySpec(), static (ref json, name, priority) => name switch
        {
            "name" => priority with { Name = ReadString(ref json) },
            "priority" => priority with { Priority = ReadUInt32(ref json) },
            _ => Skip(ref json, priority),
        });

    private static RdmaSpec ReadRdma(ref Utf8JsonReader json) =>
        ReadObject(ref json, new RdmaSpec(), static (ref json, name, rdma) => name switch
        {
            "hcaHandles" => rdma with { HcaHandles = Optional(ref json, ReadUInt32) },
            "hcaObjects" => rdma with { HcaObjects = Optional(ref json, ReadUInt32) },
            _ => Skip(ref json, rdma),
        });
}
