using System.Globalization;
using Containerd.Services.Containers.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Users;

namespace Supervisor.Cli.Running;

/// <summary>The OCI process of an exec: the container's own, overridden by the options.</summary>
internal static class ExecSpec
{
    /// <summary>containerd's type URL of a process; the value is JSON.</summary>
    public const string TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process";

    /// <param name="size">Of our terminal, if there is one.</param>
    /// <param name="read">Reads a file of the container's root filesystem; null if it does not exist.</param>
    /// <exception cref="CliException">The container has no process, or no such user.</exception>
    /// <exception cref="InvalidSpecException">The options make no valid process; the message names the entry.</exception>
    public static Any Build(Container container, ExecOptions options, (uint Rows, uint Columns)? size, Func<string, string?> read)
    {
        var init = (container.Spec is { } spec ? SpecReader.Read(spec.Value.Span).Process : null)
            ?? throw new CliException($"container {container.Id} has no process in its spec to take settings from");
        var process = init with
        {
            Args = options.Command,
            Init = false, // only the container has one
            Env = [.. init.Env.Where(e => !options.Env.Any(given => Name(given) == Name(e))), .. options.Env],
            Cwd = options.WorkingDirectory ?? init.Cwd,
            User = options.User is null
                ? init.User : UserResolver.Resolve(options.User, read) with { Umask = init.User.Umask },
            Capabilities = options.Privileged ? All : init.Capabilities,
            Terminal = options.Terminal,
            ConsoleSize = options.Terminal && size is var (rows, columns)
                ? new ConsoleSizeSpec { Height = rows, Width = columns } : null,
        };
        SpecValidator.Validate(process);
        return new Any { TypeUrl = TypeUrl, Value = UnsafeByteOperations.UnsafeWrap(SpecWriter.Write(process)) };
    }

    /// <summary>As docker's privileged exec: what this host's root has.</summary>
    private static CapabilitiesSpec All
    {
        get
        {
            var bounding = File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapBnd:", StringComparison.Ordinal));
            var names = Capability.NamesOf(ulong.Parse(bounding["CapBnd:".Length..].Trim(), NumberStyles.HexNumber,
                CultureInfo.InvariantCulture));
            return new CapabilitiesSpec { Bounding = names, Effective = names, Permitted = names };
        }
    }

    private static string Name(string entry) => entry.Split('=')[0];
}
