using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Device nodes for a container in a user namespace, where mknod(2) fails. The init binds the host's node of the same path, if it
/// is the spec's device; we make any other in a tmpfs that is mounted nowhere, and pass it by descriptor.
/// </summary>
internal static unsafe class PreopenedDevices
{
    /// <param name="open">Receives every descriptor, for the caller to close.</param>
    /// <returns>By the device's path. A missing one is the host's.</returns>
    /// <exception cref="InvalidSpecException">A node is not on the host, and cannot be made.</exception>
    public static IReadOnlyDictionary<string, Fd> Make(LinuxSpec linux, bool otherUser, List<IDisposable> open)
    {
        var preopened = new Dictionary<string, Fd>(StringComparer.Ordinal);
        if (!otherUser && !IdMaps.InUserNamespace) return preopened;
        for (var i = 0; i < linux.Devices.Count; i++)
        {
            var device = linux.Devices[i];
            if (device.Type is "p" || IsHosts(device)) continue;
            var field = $"linux.devices[{i}].path";
            if (IdMaps.InUserNamespace)
                throw new InvalidSpecException(
                    field, $"the host's \"{device.Path}\" is not {device.Type} {device.Major}:{device.Minor}, and no device can "
                    + "be made in a user namespace");
            open.Add(preopened[device.Path] = Make(device, linux, field));
        }
        return preopened;
    }

    private static bool IsHosts(DeviceSpec device)
    {
        using var node = Fd.TryOpen(device.Path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        if (node is null || FileStatus.Of(node) is not { } status) return false;
        return status.DeviceMajor == device.Major && status.DeviceMinor == device.Minor
            && (device.Type is "b" ? S_ISBLK((ushort)status.Mode) : S_ISCHR((ushort)status.Mode));
    }

    private static Fd Make(DeviceSpec device, LinuxSpec linux, string field)
    {
        const uint S_IFCHR = 0x2000, S_IFBLK = 0x6000;
        using var mount = EmptyMount();
        fixed (byte* name = "node\0"u8)
        {
            var mode = (device.FileMode ?? 0x1b6 /* 0666 */) & 0xfff;
            Try((long)syscall(Syscall.mknodat, mount.Number, name, (int)((device.Type is "b" ? S_IFBLK : S_IFCHR) | mode),
                (int)DeviceNodes.Encode(device.Major, device.Minor)), "mknodat", device.Path);
            Try(fchmodat(mount.Number, name, (ushort)mode, 0), "fchmodat", device.Path); // independent of our umask
            Try(fchownat(mount.Number, name, IdMaps.Outside(linux.UidMappings, device.Uid ?? 0)
                ?? uint.MaxValue, IdMaps.Outside(linux.GidMappings, device.Gid ?? 0) ?? uint.MaxValue, AT_SYMLINK_NOFOLLOW),
                "fchownat", device.Path);
            var fd = (int)syscall(Syscall.open_tree, mount.Number, name, At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC);
            if (fd >= 0) return new Fd(fd);
        }
        throw Errno.Last is Errno.EINVAL
            ? new InvalidSpecException(
                field, $"\"{device.Path}\" is another device on the host, and passing one by descriptor needs Linux 6.15")
            : new SyscallException("open_tree", Errno.Last, device.Path);
    }

    /// <summary>A tmpfs that is mounted nowhere. fsopen(2), fsmount(2).</summary>
    private static Fd EmptyMount()
    {
        fixed (byte* type = "tmpfs\0"u8)
        {
            var context = (int)syscall(Syscall.fsopen, type, At.FSOPEN_CLOEXEC);
            Try(context, "fsopen", "tmpfs");
            using var made = new Fd(context);
            Try((long)syscall(Syscall.fsconfig, context, At.FSCONFIG_CMD_CREATE, null, null, 0), "fsconfig", "tmpfs");
            var mount = (int)syscall(Syscall.fsmount, context, At.FSMOUNT_CLOEXEC, 0);
            Try(mount, "fsmount", "tmpfs");
            return new Fd(mount);
        }
    }

    private static void Try(long result, string call, string subject)
    {
        if (result < 0) throw new SyscallException(call, Errno.Last, subject);
    }
}
