using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads a <see cref="ProcessSpec"/>.</summary>
internal static class ProcessReader
{
    public static ProcessSpec Read(ref Utf8JsonReader json) =>
        ReadObject(ref json, new ProcessSpec(), static (ref json, name, process) => name switch
        {
            "init" => process with { Init = ReadBoolean(ref json) },
            "terminal" => process with { Terminal = ReadBoolean(ref json) },
            "consoleSize" => process with { ConsoleSize = OrNull(ref json, ReadConsoleSize) },
            "user" => process with { User = OrNull(ref json, ReadUser)! },
            "args" => process with { Args = ReadStrings(ref json) },
            "env" => process with { Env = ReadStrings(ref json) },
            "cwd" => process with { Cwd = ReadString(ref json) },
            "capabilities" => process with { Capabilities = OrNull(ref json, ReadCapabilities) },
            "rlimits" => process with { Rlimits = ReadList(ref json, ReadRlimit) },
            "noNewPrivileges" => process with { NoNewPrivileges = ReadBoolean(ref json) },
            "oomScoreAdj" => process with { OomScoreAdj = Optional(ref json, ReadInt32) },
            "apparmorProfile" => process with { ApparmorProfile = ReadString(ref json) },
            "selinuxLabel" => process with { SelinuxLabel = ReadString(ref json) },
            "scheduler" => process with { Scheduler = OrNull(ref json, ReadScheduler) },
            "ioPriority" => process with { IoPriority = OrNull(ref json, ReadIOPriority) },
            "execCPUAffinity" => process with { ExecCPUAffinity = OrNull(ref json, ReadAffinity) },
            _ => Skip(ref json, process),
        });

    private static ConsoleSizeSpec ReadConsoleSize(ref Utf8JsonReader json) =>
        ReadObject(ref json, new ConsoleSizeSpec(), static (ref json, name, size) => name switch
        {
            "height" => size with { Height = ReadUInt32(ref json) },
            "width" => size with { Width = ReadUInt32(ref json) },
            _ => Skip(ref json, size),
        });

    private static UserSpec ReadUser(ref Utf8JsonReader json) =>
        ReadObject(ref json, new UserSpec(), static (ref json, name, user) => name switch
        {
            "uid" => user with { Uid = IdValues.ReadId(ref json) },
            "gid" => user with { Gid = IdValues.ReadId(ref json) },
            "umask" => user with { Umask = Optional(ref json, ReadUInt32) },
            "additionalGids" => user with { AdditionalGids = ReadList(ref json, IdValues.ReadId) },
            "username" => user with { Username = ReadString(ref json) },
            _ => Skip(ref json, user),
        });

    private static CapabilitiesSpec ReadCapabilities(ref Utf8JsonReader json) =>
        ReadObject(ref json, new CapabilitiesSpec(), static (ref json, name, sets) => name switch
        {
            "bounding" => sets with { Bounding = ReadStrings(ref json) },
            "effective" => sets with { Effective = ReadStrings(ref json) },
            "inheritable" => sets with { Inheritable = ReadStrings(ref json) },
            "permitted" => sets with { Permitted = ReadStrings(ref json) },
            "ambient" => sets with { Ambient = ReadStrings(ref json) },
            _ => Skip(ref json, sets),
        });

    private static RlimitSpec ReadRlimit(ref Utf8JsonReader json) =>
        ReadObject(ref json, new RlimitSpec(), static (ref json, name, limit) => name switch
        {
            "type" => limit with { Type = ReadString(ref json) },
            "soft" => limit with { Soft = ReadUInt64(ref json) },
            "hard" => limit with { Hard = ReadUInt64(ref json) },
            _ => Skip(ref json, limit),
        });

    private static SchedulerSpec ReadScheduler(ref Utf8JsonReader json) =>
        ReadObject(ref json, new SchedulerSpec(), static (ref json, name, scheduler) => name switch
        {
            "policy" => scheduler with { Policy = ReadString(ref json) },
            "nice" => scheduler with { Nice = Optional(ref json, ReadInt32) },
            "priority" => scheduler with { Priority = Optional(ref json, ReadInt32) },
            "flags" => scheduler with { Flags = ReadStrings(ref json) },
            "runtime" => scheduler with { Runtime = Optional(ref json, ReadUInt64) },
            "deadline" => scheduler with { Deadline = Optional(ref json, ReadUInt64) },
            "period" => scheduler with { Period = Optional(ref json, ReadUInt64) },
            _ => Skip(ref json, scheduler),
        });

    private static IOPrioritySpec ReadIOPriority(ref Utf8JsonReader json) =>
        ReadObject(ref json, new IOPrioritySpec(), static (ref json, name, priority) => name switch
        {
            "class" => priority with { Class = ReadString(ref json) },
            "priority" => priority with { Priority = ReadInt32(ref json) },
            _ => Skip(ref json, priority),
        });

    private static ExecCpuAffinitySpec ReadAffinity(ref Utf8JsonReader json) =>
        ReadObject(ref json, new ExecCpuAffinitySpec(), static (ref json, name, affinity) => name switch
        {
            "initial" => affinity with { Initial = ReadString(ref json) },
            "final" => affinity with { Final = ReadString(ref json) },
            _ => Skip(ref json, affinity),
        });
}
