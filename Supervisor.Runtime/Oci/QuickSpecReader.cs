using System.Text.Json;
using static Supervisor.Runtime.Oci.QuickJson;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// Reads ordinary specs without the deserializer, whose metadata cost a short-lived process a fifth of a container's life
/// (docs/performance.md). It leaves unknown names and unexpected types to the deserializer, which reports every error. A test
/// checks that both give the same results.
/// </summary>
/// <remarks>For documents that <see cref="DocumentForm"/> has checked: well-formed, no duplicates, no null in a list.</remarks>
internal static class QuickSpecReader
{
    /// <returns>Null when the document needs the deserializer.</returns>
    public static Spec? TryRead(ReadOnlySpan<byte> document) => TryRead(document, Whole);

    /// <inheritdoc cref="TryRead(ReadOnlySpan{byte})"/>
    public static ProcessSpec? TryReadProcess(ReadOnlySpan<byte> document) => TryRead(document, Process);

    private static T? TryRead<T>(ReadOnlySpan<byte> document, Read<T> read) where T : class
    {
        var json = new Utf8JsonReader(document);
        try
        {
            json.Read();
            return read(ref json);
        }
        catch (Exception e) when (e is NotOrdinary or InvalidOperationException or FormatException or JsonException)
        {
            return null;
        }
    }

    private static Spec Whole(ref Utf8JsonReader json)
    {
        var spec = new Spec();
        for (Begin(ref json); Next(ref json) is { } name;)
            spec = name switch
            {
                "ociVersion" => spec with { OciVersion = json.GetString()! },
                "process" => spec with { Process = OrNull(ref json, Process) },
                "root" => spec with { Root = OrNull(ref json, Root) },
                "hostname" => spec with { Hostname = json.GetString() },
                "domainname" => spec with { Domainname = json.GetString() },
                "mounts" => spec with { Mounts = List(ref json, Mount) },
                "hooks" => spec with { Hooks = OrNull(ref json, Hooks) },
                "annotations" => spec with { Annotations = Map(ref json) },
                "linux" => spec with { Linux = OrNull(ref json, Linux) },
                _ => throw new NotOrdinary(),
            };
        return spec;
    }

    private static ProcessSpec Process(ref Utf8JsonReader json)
    {
        var process = new ProcessSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            process = name switch
            {
                "terminal" => process with { Terminal = json.GetBoolean() },
                "consoleSize" => process with { ConsoleSize = OrNull(ref json, ConsoleSize) },
                "user" => process with { User = OrNull(ref json, User)! },
                "args" => process with { Args = Texts(ref json) },
                "env" => process with { Env = Texts(ref json) },
                "cwd" => process with { Cwd = json.GetString()! },
                "capabilities" => process with { Capabilities = OrNull(ref json, Capabilities) },
                "rlimits" => process with { Rlimits = List(ref json, Limit) },
                "init" => process with { Init = json.GetBoolean() },
                "noNewPrivileges" => process with { NoNewPrivileges = json.GetBoolean() },
                "oomScoreAdj" => process with { OomScoreAdj = Number(ref json) },
                "apparmorProfile" => process with { ApparmorProfile = json.GetString() },
                "selinuxLabel" => process with { SelinuxLabel = json.GetString() },
                _ => throw new NotOrdinary(),
            };
        return process;
    }

    private static ConsoleSizeSpec ConsoleSize(ref Utf8JsonReader json)
    {
        var size = new ConsoleSizeSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            size = name switch
            {
                "height" => size with { Height = json.GetUInt32() },
                "width" => size with { Width = json.GetUInt32() },
                _ => throw new NotOrdinary(),
            };
        return size;
    }

    private static UserSpec User(ref Utf8JsonReader json)
    {
        var user = new UserSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            user = name switch
            {
                "uid" => user with { Uid = json.GetUInt32() },
                "gid" => user with { Gid = json.GetUInt32() },
                "umask" => user with { Umask = Unsigned(ref json) },
                "additionalGids" => user with { AdditionalGids = List(ref json, static (ref Utf8JsonReader j) => j.GetUInt32()) },
                _ => throw new NotOrdinary(),
            };
        return user;
    }

    private static CapabilitiesSpec Capabilities(ref Utf8JsonReader json)
    {
        var sets = new CapabilitiesSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            sets = name switch
            {
                "bounding" => sets with { Bounding = Texts(ref json) },
                "effective" => sets with { Effective = Texts(ref json) },
                "inheritable" => sets with { Inheritable = Texts(ref json) },
                "permitted" => sets with { Permitted = Texts(ref json) },
                "ambient" => sets with { Ambient = Texts(ref json) },
                _ => throw new NotOrdinary(),
            };
        return sets;
    }

    private static RlimitSpec Limit(ref Utf8JsonReader json)
    {
        var limit = new RlimitSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            limit = name switch
            {
                "type" => limit with { Type = json.GetString()! },
                "soft" => limit with { Soft = json.GetUInt64() },
                "hard" => limit with { Hard = json.GetUInt64() },
                _ => throw new NotOrdinary(),
            };
        return limit;
    }

    private static RootSpec Root(ref Utf8JsonReader json)
    {
        var root = new RootSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            root = name switch
            {
                "path" => root with { Path = json.GetString()! },
                "readonly" => root with { Readonly = json.GetBoolean() },
                _ => throw new NotOrdinary(),
            };
        return root;
    }

    private static MountSpec Mount(ref Utf8JsonReader json)
    {
        var mount = new MountSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            mount = name switch
            {
                "destination" => mount with { Destination = json.GetString()! },
                "type" => mount with { Type = json.GetString() },
                "source" => mount with { Source = json.GetString() },
                "options" => mount with { Options = Texts(ref json) },
                _ => throw new NotOrdinary(),
            };
        return mount;
    }

    private static HooksSpec Hooks(ref Utf8JsonReader json)
    {
        var hooks = new HooksSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            hooks = name switch
            {
                "prestart" => hooks with { Prestart = List(ref json, Hook) },
                "createRuntime" => hooks with { CreateRuntime = List(ref json, Hook) },
                "createContainer" => hooks with { CreateContainer = List(ref json, Hook) },
                "startContainer" => hooks with { StartContainer = List(ref json, Hook) },
                "poststart" => hooks with { Poststart = List(ref json, Hook) },
                "poststop" => hooks with { Poststop = List(ref json, Hook) },
                _ => throw new NotOrdinary(),
            };
        return hooks;
    }

    private static HookSpec Hook(ref Utf8JsonReader json)
    {
        var hook = new HookSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            hook = name switch
            {
                "path" => hook with { Path = json.GetString()! },
                "args" => hook with { Args = Texts(ref json) },
                "env" => hook with { Env = Texts(ref json) },
                "timeout" => hook with { Timeout = Number(ref json) },
                _ => throw new NotOrdinary(),
            };
        return hook;
    }

    private static LinuxSpec Linux(ref Utf8JsonReader json)
    {
        var linux = new LinuxSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            linux = name switch
            {
                "namespaces" => linux with { Namespaces = List(ref json, Namespace) },
                "devices" => linux with { Devices = List(ref json, Device) },
                "cgroupsPath" => linux with { CgroupsPath = json.GetString() },
                "resources" => linux with { Resources = OrNull(ref json, Resources) },
                "rootfsPropagation" => linux with { RootfsPropagation = json.GetString() },
                "maskedPaths" => linux with { MaskedPaths = Texts(ref json) },
                "readonlyPaths" => linux with { ReadonlyPaths = Texts(ref json) },
                "sysctl" => linux with { Sysctl = Map(ref json) },
                "mountLabel" => linux with { MountLabel = json.GetString() },
                "seccomp" => linux with { Seccomp = OrNull(ref json, Seccomp) },
                _ => throw new NotOrdinary(),
            };
        return linux;
    }

    private static SeccompSpec Seccomp(ref Utf8JsonReader json)
    {
        var seccomp = new SeccompSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            seccomp = name switch
            {
                "defaultAction" => seccomp with { DefaultAction = json.GetString()! },
                "defaultErrnoRet" => seccomp with { DefaultErrnoRet = Unsigned(ref json) },
                "architectures" => seccomp with { Architectures = Texts(ref json) },
                "flags" when json.TokenType is JsonTokenType.StartArray => seccomp with { Flags = Texts(ref json) },
                "syscalls" => seccomp with { Syscalls = List(ref json, SeccompSyscall) },
                _ => throw new NotOrdinary(),
            };
        return seccomp;
    }

    private static SeccompSyscallSpec SeccompSyscall(ref Utf8JsonReader json)
    {
        var syscall = new SeccompSyscallSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            syscall = name switch
            {
                "names" => syscall with { Names = Texts(ref json) },
                "action" => syscall with { Action = json.GetString()! },
                "errnoRet" => syscall with { ErrnoRet = Unsigned(ref json) },
                "args" => syscall with { Args = List(ref json, SeccompArgument) },
                _ => throw new NotOrdinary(),
            };
        return syscall;
    }

    private static SeccompArgumentSpec SeccompArgument(ref Utf8JsonReader json)
    {
        var argument = new SeccompArgumentSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            argument = name switch
            {
                "index" => argument with { Index = json.GetUInt32() },
                "value" => argument with { Value = json.GetUInt64() },
                "valueTwo" => argument with { ValueTwo = json.GetUInt64() },
                "op" => argument with { Op = json.GetString()! },
                _ => throw new NotOrdinary(),
            };
        return argument;
    }

    private static NamespaceSpec Namespace(ref Utf8JsonReader json)
    {
        var space = new NamespaceSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            space = name switch
            {
                "type" => space with { Type = json.GetString()! },
                "path" => space with { Path = json.GetString() },
                _ => throw new NotOrdinary(),
            };
        return space;
    }

    private static DeviceSpec Device(ref Utf8JsonReader json)
    {
        var device = new DeviceSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            device = name switch
            {
                "type" => device with { Type = json.GetString()! },
                "path" => device with { Path = json.GetString()! },
                "major" => device with { Major = json.GetInt64() },
                "minor" => device with { Minor = json.GetInt64() },
                "fileMode" => device with { FileMode = Unsigned(ref json) },
                "uid" => device with { Uid = Unsigned(ref json) },
                "gid" => device with { Gid = Unsigned(ref json) },
                _ => throw new NotOrdinary(),
            };
        return device;
    }

    private static ResourcesSpec Resources(ref Utf8JsonReader json)
    {
        var resources = new ResourcesSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            resources = name switch
            {
                "devices" => resources with { Devices = List(ref json, DeviceRule) },
                "memory" => resources with { Memory = OrNull(ref json, Memory) },
                "cpu" => resources with { Cpu = OrNull(ref json, Cpu) },
                "pids" => resources with { Pids = OrNull(ref json, Pids) },
                "unified" when json.TokenType is JsonTokenType.Null => resources, // as containerd writes an empty one
                "blockIO" => resources with { BlockIO = OrNull(ref json, BlockIO) },
                "unified" => resources with { Unified = Map(ref json) },
                _ => throw new NotOrdinary(),
            };
        return resources;
    }

    private static DeviceRuleSpec DeviceRule(ref Utf8JsonReader json)
    {
        var rule = new DeviceRuleSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            rule = name switch
            {
                "allow" => rule with { Allow = json.GetBoolean() },
                "type" => rule with { Type = json.GetString() },
                "major" => rule with { Major = Long(ref json) },
                "minor" => rule with { Minor = Long(ref json) },
                "access" => rule with { Access = json.GetString() },
                _ => throw new NotOrdinary(),
            };
        return rule;
    }

    private static MemorySpec Memory(ref Utf8JsonReader json)
    {
        var memory = new MemorySpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            memory = name switch
            {
                "limit" => memory with { Limit = Long(ref json) },
                "reservation" => memory with { Reservation = Long(ref json) },
                "swap" => memory with { Swap = Long(ref json) },
                "swappiness" => memory with { Swappiness = UnsignedLong(ref json) },
                "disableOOMKiller" => memory with { DisableOomKiller = Truth(ref json) },
                _ => throw new NotOrdinary(),
            };
        return memory;
    }

    private static CpuSpec Cpu(ref Utf8JsonReader json)
    {
        var cpu = new CpuSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            cpu = name switch
            {
                "shares" => cpu with { Shares = UnsignedLong(ref json) },
                "quota" => cpu with { Quota = Long(ref json) },
                "period" => cpu with { Period = UnsignedLong(ref json) },
                "cpus" => cpu with { Cpus = json.GetString() },
                "mems" => cpu with { Mems = json.GetString() },
                _ => throw new NotOrdinary(),
            };
        return cpu;
    }

    /// <summary>Without the lists of devices, which are rare.</summary>
    private static BlockIOSpec BlockIO(ref Utf8JsonReader json)
    {
        var io = new BlockIOSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            io = name is "weight" && json.TokenType is JsonTokenType.Number
                ? io with { Weight = json.GetUInt16() } : throw new NotOrdinary();
        return io;
    }

    private static PidsSpec Pids(ref Utf8JsonReader json)
    {
        var pids = new PidsSpec();
        for (Begin(ref json); Next(ref json) is { } name;)
            pids = name is "limit" && json.TokenType is JsonTokenType.Number
            ? pids with { Limit = json.GetInt64() } : throw new NotOrdinary();
        return pids;
    }
}
