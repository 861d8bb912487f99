using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>Reads a <see cref="HooksSpec"/>.</summary>
internal static class HooksReader
{
    public static HooksSpec Read(ref Utf8JsonReader json) =>
        ReadObject(ref json, new HooksSpec(), static (ref json, name, hooks) => name switch
        {
            "prestart" => hooks with { Prestart = ReadList(ref json, ReadHook) },
            "createRuntime" => hooks with { CreateRuntime = ReadList(ref json, ReadHook) },
            "createContainer" => hooks with { CreateContainer = ReadList(ref json, ReadHook) },
            "startContainer" => hooks with { StartContainer = ReadList(ref json, ReadHook) },
            "poststart" => hooks with { Poststart = ReadList(ref json, ReadHook) },
            "poststop" => hooks with { Poststop = ReadList(ref json, ReadHook) },
            _ => Skip(ref json, hooks),
        });

    private static HookSpec ReadHook(ref Utf8JsonReader json) =>
        ReadObject(ref json, new HookSpec(), static (ref json, name, hook) => name switch
        {
            "path" => hook with { Path = ReadString(ref json) },
            "args" => hook with { Args = ReadStrings(ref json) },
            "env" => hook with { Env = ReadStrings(ref json) },
            "timeout" => hook with { Timeout = Optional(ref json, ReadInt32) },
            _ => Skip(ref json, hook),
        });
}
