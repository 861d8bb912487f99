using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Users;
using Mount = Containerd.Types.Mount;

namespace Supervisor.Cli.Running;

/// <summary>The OCI spec, and the mounts of the root filesystem, of <c>supervisor run</c>.</summary>
internal static class RunSpec
{
    /// <summary>containerd's type URL of a spec; the value is JSON.</summary>
    public const string TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

    /// <summary>The spec, as a container record holds it.</summary>
    /// <param name="size">Of our terminal, if there is one.</param>
    /// <param name="ours">Directories of daemons, hidden from a container on the host's root file system: its root is the
    /// host's root user, who could read other containers' secrets there.</param>
    /// <exception cref="CliException">The user is unknown, or the root filesystem cannot be read.</exception>
    /// <exception cref="InvalidSpecException">The options make no valid spec; the message names the entry.</exception>
    public static Any Build(RunOptions options, (uint Rows, uint Columns)? size, IEnumerable<string> ours)
    {
        var spec = DefaultSpec.Create(options.Command, options.IsHostRoot ? "rootfs" : options.Rootfs, new DefaultSpecOptions
        {
            Env = options.Env,
            Cwd = options.WorkingDirectory,
            // root has its groups without -u, too, as with docker
            User = Resolve(options.User ?? "0", options.Rootfs),
            Hostname = options.Hostname ?? options.Id[..Math.Min(options.Id.Length, 63)],
            Init = options.Init,
            Terminal = options.Terminal,
            ReadOnly = options.ReadOnly || options.IsHostRoot,
            HostNetwork = options.HostNetwork,
            MemoryLimit = options.Memory,
            PidsLimit = options.Pids,
            Seccomp = options.Seccomp,
            // The host's /tmp is read-only in there, and private to the host.
            Mounts = options.IsHostRoot ? [Tmp] : [],
        });
        if (options.Terminal && size is var (rows, columns))
            spec = spec with { Process = spec.Process! with {
                ConsoleSize = new ConsoleSizeSpec { Height = rows, Width = columns } } };
        if (options.IsHostRoot)
            spec = spec with { Linux = spec.Linux! with { MaskedPaths = [.. spec.Linux!.MaskedPaths, .. ours.Distinct()] } };
        SpecValidator.Validate(spec); // before anything is made
        return new Any { TypeUrl = TypeUrl, Value = UnsafeByteOperations.UnsafeWrap(SpecWriter.Write(spec)) };
    }

    /// <summary>Mounts for the bundle's rootfs: none when the spec names a directory.</summary>
    /// <remarks>
    /// An overlay without an upper layer needs two lower ones that do not overlap: the second is an empty tmpfs, mounted
    /// first where the overlay then covers it. Relative layers are relative to the bundle.
    /// </remarks>
    public static IEnumerable<Mount> Rootfs(RunOptions options) => !options.IsHostRoot ? [] :
    [
        new Mount { Type = "tmpfs", Source = "tmpfs", Options = { "size=0", "mode=0755" } },
        new Mount { Type = "overlay", Source = "overlay", Options = { "ro", "lowerdir=/:rootfs" } },
    ];

    private static MountSpec Tmp { get; } = new()
    {
        Destination = "/tmp",
        Type = "tmpfs",
        Source = "tmpfs",
        Options = ["nosuid", "nodev", "mode=1777", "size=65536k"],
    };

    private static UserSpec Resolve(string user, string rootfs)
    {
        using var files = new RootfsFiles(rootfs);
        return UserResolver.Resolve(user, files.TryRead);
    }
}
