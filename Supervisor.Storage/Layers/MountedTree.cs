using System.Runtime.InteropServices;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>A mount as clients hand it over: of a snapshot's tree.</summary>
public sealed record TreeMount(string Type, string Source, IReadOnlyList<string> Options);

/// <summary>Opens the tree that mounts stand for, without putting a mount anywhere: nobody sees it, and it ends with its descriptor.</summary>
internal static unsafe partial class MountedTree
{
    private const int FSCONFIG_SET_STRING = 1, LongestValue = 255;

    /// <summary>Where a layer is to be unpacked: straight into the directory that the mounts would write to.</summary>
    /// <exception cref="StorageException">The mounts are of no kind that a snapshotter makes, or are read-only.</exception>
    public static LayerTarget OpenTarget(IReadOnlyList<TreeMount> mounts)
    {
        var mount = Single(mounts);
        if (mount.Type == "bind")
        {
            if (mount.Options.Contains("ro")) throw Invalid($"\"{mount.Source}\" is mounted read-only: a layer cannot be unpacked into it");
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

    /// <summary>The tree to be read.</summary>
    public static Fd OpenView(IReadOnlyList<TreeMount> mounts)
    {
        if (mounts.Count == 0) return EmptyTree();
        var mount = Single(mounts);
        if (mount.Type == "bind") return OpenDirectory(mount.Source);
        var (upper, lowers) = Directories(mount);
        // The upper directory as the topmost lower one: to look at it disturbs no one who has it mounted.
        string[] layers = upper is null ? [.. lowers] : [upper, .. lowers];
        return layers.Length == 1 ? OpenDirectory(layers[0]) : Overlay(layers, []);
    }

    /// <summary>An overlay that is mounted nowhere. fsopen(2), fsmount(2), Linux 5.2.</summary>
    /// <param name="layers">The topmost first; at least two without <paramref name="options"/>.</param>
    /// <param name="options">More <c>key=value</c>.</param>
    internal static Fd Overlay(IReadOnlyList<string> layers, IReadOnlyList<(string Key, string Value)> options)
    {
        using var context = Take("fsopen", syscall(Syscall.fsopen, Text("overlay"), At.FSOPEN_CLOEXEC), "overlay");
        var joined = string.Join(':', layers.Select(Escape));
        if (joined.Length <= LongestValue) Set("lowerdir", joined);
        else foreach (var layer in layers) Set("lowerdir+", layer); // one by one: Linux 6.5
        foreach (var (key, value) in options) Set(key, value);
        if (syscall(Syscall.fsconfig, context.Number, At.FSCONFIG_CMD_CREATE, 0, 0, 0) < 0) throw new SyscallException("fsconfig(FSCONFIG_CMD_CREATE)", Errno.Last, $"overlay of {joined}");
        return Take("fsmount", syscall(Syscall.fsmount, context.Number, At.FSMOUNT_CLOEXEC, 0), "overlay");

        void Set(string key, string value)
        {
            if (syscall(Syscall.fsconfig, context.Number, FSCONFIG_SET_STRING, Text(key), Text(value), 0) < 0)
                throw new SyscallException("fsconfig", Errno.Last, $"overlay {key}={value}");
        }
    }

    private static TreeMount Single(IReadOnlyList<TreeMount> mounts) => mounts is [var mount] && mount.Type is "bind" or "overlay"
        ? mounts[0]
        : throw Invalid($"{mounts.Count} mounts ({string.Join(", ", mounts.Select(m => m.Type).Take(8))}): one of type bind or overlay is needed, as snapshots have");

    private static (string? Upper, string[] Lowers) Directories(TreeMount mount)
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

    private static Fd OpenDirectory(string path)
    {
        if (!Path.IsPathRooted(path)) throw Invalid($"\"{path}\" is not absolute");
        try { return Fd.Open(path, OpenFlags.O_DIRECTORY); }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR) { throw new StorageException(StorageFault.NotFound, $"mount source \"{path}\": {e.Errno}: not found"); }
    }

    /// <summary>A tmpfs that is mounted nowhere and stays empty: what a first layer is compared with.</summary>
    private static Fd EmptyTree()
    {
        using var context = Take("fsopen", syscall(Syscall.fsopen, Text("tmpfs"), At.FSOPEN_CLOEXEC), "tmpfs");
        if (syscall(Syscall.fsconfig, context.Number, At.FSCONFIG_CMD_CREATE, 0, 0, 0) < 0) throw new SyscallException("fsconfig(FSCONFIG_CMD_CREATE)", Errno.Last, "tmpfs");
        return Take("fsmount", syscall(Syscall.fsmount, context.Number, At.FSMOUNT_CLOEXEC, 0), "tmpfs");
    }

    private static string Escape(string path) => path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);

    private static Fd Take(string call, nint result, string subject) => result >= 0 ? new Fd((int)result) : throw new SyscallException(call, Errno.Last, subject);

    private static StorageException Invalid(string message) => new(StorageFault.InvalidArgument, message);

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + "\0");

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, byte[] name, nint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint fd, nint flags, nint attributes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint fd, nint command, byte[] key, byte[] value, nint auxiliary);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint fd, nint command, nint key, nint value, nint auxiliary);
}
