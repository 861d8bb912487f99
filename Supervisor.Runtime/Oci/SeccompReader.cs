using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads a <see cref="SeccompSpec"/>.</summary>
internal static class SeccompReader
{
    public static SeccompSpec Read(ref Utf8JsonReader json) =>
        ReadObject(ref json, new SeccompSpec(), static (ref json, name, seccomp) => name switch
        {
            "defaultAction" => seccomp with { DefaultAction = ReadString(ref json) },
            "defaultErrnoRet" => seccomp with { DefaultErrnoRet = Optional(ref json, ReadUInt32) },
            "architectures" => seccomp with { Architectures = ReadStrings(ref json) },
            "flags" => seccomp with { Flags = OrNull(ref json, ReadStrings) },
            "listenerPath" => seccomp with { ListenerPath = ReadString(ref json) },
            "listenerMetadata" => seccomp with { ListenerMetadata = ReadString(ref json) },
            "syscalls" => seccomp with { Syscalls = ReadList(ref json, ReadSyscall) },
            _ => Skip(ref json, seccomp),
        });

    private static SeccompSyscallSpec ReadSyscall(ref Utf8JsonReader json) =>
        ReadObject(ref json, new SeccompSyscallSpec(), static (ref json, name, syscall) => name switch
        {
            "names" => syscall with { Names = ReadStrings(ref json) },
            "action" => syscall with { Action = ReadString(ref json) },
            "errnoRet" => syscall with { ErrnoRet = Optional(ref json, ReadUInt32) },
            "args" => syscall with { Args = ReadList(ref json, ReadArgument) },
            _ => Skip(ref json, syscall),
        });

    private static SeccompArgumentSpec ReadArgument(ref Utf8JsonReader json) =>
        ReadObject(ref json, new SeccompArgumentSpec(), static (ref json, name, argument) => name switch
        {
            "index" => argument with { Index = ReadUInt32(ref json) },
            "value" => argument with { Value = ReadUInt64(ref json) },
            "valueTwo" => argument with { ValueTwo = ReadUInt64(ref json) },
            "op" => argument with { Op = ReadString(ref json) },
            _ => Skip(ref json, argument),
        });
}
