using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Layers;

/// <summary>A mount of a snapshot's tree, as clients send it.</summary>
public sealed record TreeMount(string Type, string Source, IReadOnlyList<string> Options);

/// <summary>Opens the tree that mounts describe, without attaching it anywhere: it is invisible, and is released with its
/// descriptor.</summary>
internal static unsafe class MountedTree
{
    private const int LongestValue = 255;

    /// <summary>Opens the directory for unpacking a layer: the one that the mounts would write to.</summary>
    /// <exception cref="StorageException">The mounts are not of a kind that a snapshotter makes, or are read-only.</exception>
    public static LayerTarget OpenTarget(IReadOnlyList<TreeMount> mounts)
    {
        var mount = Single(mounts);
        if (mount.Type == "bind")
        {
            if (mount.Options.Contains("ro"))
                throw Invalid($"\"{mount.Source}\" is mounted read-only: a layer cannot be unpacked into it");
            return new LayerTarget(OpenDirectory(mount.Source), null);
        }
        var (upper, lowers) = Directories(mount);
        if (upper is null) throw Invalid("an overlay without upperdir is read-only: a layer cannot be unpacked into it");
        var opened = new List<Fd>();
        try
        {
            foreach (var lower in lowers) opened.Add(OpenDirectory(lower));
            return new LayerTarget(OpenDirectory(upper), opened);
        }
        catch
        {
            foreach (var fd in opened) fd.Dispose();
            throw;
        }
    }

    /// <summary>Opens the tree for reading.</summary>
    public static Fd OpenView(IReadOnlyList<TreeMount> mounts)
    {
        if (mounts.Count == 0) return EmptyTree();
        var mount = Single(mounts);
        if (mount.Type == "bind") return OpenDirectory(mount.Source);
        var (upper, lowers) = Directories(mount);
        // The upper directory as the topmost lower one: reading it does not disturb other mounts of it.
        string[] layers = upper is null ? [.. lowers] : [upper, .. lowers];
        return layers.Length == 1 ? OpenDirectory(layers[0]) : Overlay(layers, []);
    }

    /// <summary>An overlay that is not attached. fsopen(2), fsmount(2), Linux 5.2.</summary>
    /// <param name="layers">The topmost first; at least two without <paramref name="options"/>.</param>
    /// <param name="options">More <c>key=value</c>.</param>
    internal static Fd Overlay(IReadOnlyList<string> layers, IReadOnlyList<(string Key, string Value)> options)
    {
        using var context = OpenContext("overlay");
        var joined = string.Join(':', layers.Select(Escape));
        if (joined.Length <= LongestValue) Set("lowerdir", joined);
        else foreach (var layer in layers) Set("lowerdir+", layer); // one by one: Linux 6.5
        foreach (var (key, value) in options) Set(key, value);
        if ((int)syscall(Syscall.fsconfig, context.Number, At.FSCONFIG_CMD_CREATE, 0, 0, 0) < 0)
            throw new SyscallException("fsconfig(FSCONFIG_CMD_CREATE)", Errno.Last, $"overlay of {joined}");
        return Mounted(context, "overlay");

        void Set(string key, string value)
        {
            fixed (byte* k = CString.Of(key))
            fixed (byte* v = CString.Of(value))
                if ((int)syscall(Syscall.fsconfig, context.Number, At.FSCONFIG_SET_STRING, k, v, 0) >= 0) return;
            throw new SyscallException("fsconfig", Errno.Last, $"overlay {key}={value}");
        }
    }

    private static TreeMount Single(IReadOnlyList<TreeMount> mounts) => mounts is [var mount] && mount.Type is "bind" or "overlay"
        ? mounts[0]
        : throw Invalid(
            $"{mounts.Count} mounts ({string.Join(", ", mounts.Select(m => m.Type).Take(8))}): one of type bind or overlay is "
                + "needed");

    internal static (string? Upper, string[] Lowers) Directories(TreeMount mount)
    {
        string? upper = null;
        string[] lowers = [];
        foreach (var option in mount.Options)
        {
            if (option.StartsWith("upperdir=", StringComparison.Ordinal)) upper = option["upperdir=".Length..];
            if (option.StartsWith("lowerdir=", StringComparison.Ordinal)) lowers = option["lowerdir=".Length..].Split(':');
        }
        return lowers.Length > 0 ? (upper, lowers) : throw Invalid("an overlay without lowerdir");
    }

    internal static Fd OpenDirectory(string path)
    {
        if (!Path.IsPathRooted(path)) throw Invalid($"\"{path}\" is not absolute");
        try { return Fd.Open(path, OpenFlags.O_DIRECTORY); }
        catch (SyscallException e) when (
            e.Errno is Errno.ENOENT or Errno.ENOTDIR) { throw new StorageException(
            StorageFault.NotFound, $"mount source \"{path}\": {e.Errno}: not found"); }
    }

    /// <summary>An empty tmpfs that is not attached: a first layer is compared with it.</summary>
    private static Fd EmptyTree()
    {
        using var context = OpenContext("tmpfs");
        if ((int)syscall(Syscall.fsconfig, context.Number, At.FSCONFIG_CMD_CREATE, 0, 0, 0) < 0)
            throw new SyscallException("fsconfig(FSCONFIG_CMD_CREATE)", Errno.Last, "tmpfs");
        return Mounted(context, "tmpfs");
    }

    private static Fd OpenContext(string type)
    {
        fixed (byte* name = CString.Of(type)) return Take("fsopen", (int)syscall(Syscall.fsopen, name, At.FSOPEN_CLOEXEC), type);
    }

    private static Fd Mounted(Fd context, string type)
    {
        using var mount = Take("fsmount", (int)syscall(Syscall.fsmount, context.Number, At.FSMOUNT_CLOEXEC, 0), type);
        return RootOf(mount, type);
    }

    /// <summary>Opens its root for listing. The mount's own descriptor is O_PATH only; the mount exists while a file in it is
    /// open.</summary>
    internal static Fd RootOf(Fd mount, string type)
    {
        return FileCalls.TryOpen(mount, "", OpenFlags.O_DIRECTORY, ResolveFlags.RESOLVE_BENEATH)
            ?? throw new SyscallException("openat2", Errno.ENOENT, type);
    }

    private static string Escape(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);

    private static Fd Take(string call, int result, string subject) =>
        result >= 0 ? new Fd(result) : throw new SyscallException(call, Errno.Last, subject);

    private static StorageException Invalid(string message) => new(StorageFault.InvalidArgument, message);
}
