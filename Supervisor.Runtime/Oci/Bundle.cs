using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// A container's directory: config.json, which holds secrets, an empty rootfs to mount on, and
/// the socket of its Shim service. All of it 0700 and 0600.
/// </summary>
public static class Bundle
{
    /// <summary>Covers masked files; the creation checks that it is character device 1:3.</summary>
    internal const string NullDevice = "/dev/null";

    /// <summary>The socket of the container's Shim service, in the bundle.</summary>
    internal const string ServiceSocket = "shim.sock";

    private const string Config = "config.json", Cgroup = "cgroup", Intended = "cgroup.intended";

    /// <summary>Creates it; removes first what a crashed attempt left behind.</summary>
    public static void Create(string bundle, ReadOnlySpan<byte> spec)
    {
        if (PathCalls.TryMakeDirectory(bundle, PrivateFiles.DirectoryMode) is not Errno.None)
        {
            Remove(bundle);
            PrivateFiles.MakeDirectory(bundle);
        }
        var rootfs = Path.Join(bundle, "rootfs");
        if (PathCalls.TryMakeDirectory(rootfs, PrivateFiles.DirectoryMode) is not Errno.None and var errno)
            throw new SyscallException("mkdir", errno, rootfs);
        PrivateFiles.Write(Path.Join(bundle, Config), spec);
    }

    /// <summary>Removes it, if it exists: renamed first, so that a half-removed one is never mistaken for a bundle.</summary>
    public static void Remove(string bundle)
    {
        var doomed = bundle + ".removed";
        var errno = PathCalls.TryRename(bundle, doomed);
        if (errno is Errno.ENOTEMPTY or Errno.EEXIST) // of an earlier attempt
        {
            RemoveRenamed(doomed);
            errno = PathCalls.TryRename(bundle, doomed);
        }
        if (errno is not (Errno.None or Errno.ENOENT)) throw new SyscallException("rename", errno, bundle);
        RemoveRenamed(doomed);
    }

    /// <summary>By the names of what is in one, and only then by listing what is left.</summary>
    private static void RemoveRenamed(string doomed)
    {
        PathCalls.TryUnlink(Path.Join(doomed, Cgroup));
        PathCalls.TryUnlink(Path.Join(doomed, ServiceSocket));
        if (PathCalls.TryUnlink(Path.Join(doomed, Config)) is Errno.None)
            PathCalls.TryRemoveDirectory(Path.Join(doomed, "rootfs"));
        if (PathCalls.TryRemoveDirectory(doomed) is Errno.None or Errno.ENOENT) return;
        Directory.Delete(doomed, recursive: true);
    }

    /// <summary>
    /// Records the cgroup that is about to be created. It may turn out to be another container's, so after a crash it is removed
    /// only if it is empty, and its processes are never killed.
    /// </summary>
    internal static void WriteIntendedCgroup(string bundle, IReadOnlyDictionary<string, string> paths) =>
        PrivateFiles.WriteLines(Path.Join(bundle, Intended), paths.Select(p => $"{p.Key}={p.Value}"));

    /// <summary>The record of <see cref="WriteIntendedCgroup"/>.</summary>
    internal static IReadOnlyDictionary<string, string> ReadIntendedCgroup(string bundle) => Read(bundle, Intended);

    /// <summary>
    /// Records that the intended cgroup was created for it, before anything runs there: a daemon that finds a half-created
    /// container can remove it.
    /// </summary>
    internal static void KeepIntendedCgroup(string bundle)
    {
        if (PathCalls.TryRename(Path.Join(bundle, Intended), Path.Join(bundle, Cgroup)) is not Errno.None and var errno)
            throw new SyscallException("rename", errno, Path.Join(bundle, Intended));
    }

    /// <summary>The record of <see cref="KeepIntendedCgroup"/>; empty if the creation did not get that far.</summary>
    internal static IReadOnlyDictionary<string, string> ReadCgroup(string bundle) => Read(bundle, Cgroup);

    /// <summary>Whether it has one of the two records of its cgroup.</summary>
    internal static bool HasCgroupRecord(string bundle) =>
        File.Exists(Path.Join(bundle, Cgroup)) || File.Exists(Path.Join(bundle, Intended));

    /// <summary>For a bundle that outlives its container.</summary>
    internal static void RemoveCgroupRecord(string bundle)
    {
        foreach (var name in (string[])[Cgroup, Intended])
            if (PathCalls.TryUnlink(Path.Join(bundle, name)) is not (Errno.None or Errno.ENOENT) and var errno)
                throw new SyscallException("unlink", errno, Path.Join(bundle, name));
    }

    private static Dictionary<string, string> Read(string bundle, string name)
    {
        var file = Path.Join(bundle, name);
        if (!File.Exists(file)) return [];
        // A controller's name may hold '=' (name=systemd), a directory's path begins with '/'.
        return File.ReadAllLines(file).Select(l => l.Split("=/", 2)).Where(l => l.Length == 2)
            .ToDictionary(l => l[0], l => "/" + l[1]);
    }

    /// <summary>Its config.json; null when it does not exist or cannot be read any more.</summary>
    internal static Spec? TryReadSpec(string bundle)
    {
        try
        {
            return SpecReader.Read(File.ReadAllBytes(Path.Join(bundle, Config)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidSpecException)
        {
            return null;
        }
    }

    /// <summary>Checks that the file that covers masked files is the null device.</summary>
    internal static void CheckNullDevice()
    {
        using var device = Fd.Open(NullDevice, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        if (!FileStatus.Of(device).IsCharacterDevice(1, 3))
            throw new IOException(
                $"{NullDevice} is not the null device (character device 1:3): masked paths cannot be covered with it; repair "
                + "/dev");
    }
}
