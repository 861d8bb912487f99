using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// The host's null device as a container's standard stream. It is opened on a read-only mount of its own: reads and writes work,
/// but the container's root, who is the host's, cannot change the mode, owner or times of the host's node through
/// /proc/self/fd. runc opens the container's own node instead, which can be any file of the image.
/// </summary>
internal static unsafe class NullDevice
{
    private const string Host = "/dev/null";

    // Kept: closing the last descriptor of a mount waits for a grace period of the kernel's, in each launch.
    private static readonly Lazy<Fd?> Mount = new(TryMount, LazyThreadSafetyMode.PublicationOnly);

    /// <param name="access">O_RDONLY, O_WRONLY or O_RDWR.</param>
    public static Fd Open(OpenFlags access) =>
        Fd.Open(Mount.Value is { } mount ? $"/proc/self/fd/{mount.Number}" : Host, access);

    /// <summary>A stream of our caller's, or in place of the null device one that is opened here.</summary>
    /// <param name="stream">Closed if it is replaced.</param>
    public static Fd InPlaceOf(Fd stream)
    {
        if (!FileStatus.Of(stream).IsCharacterDevice(1, 3)) return stream;
        using (stream) return Open((OpenFlags)(fcntl(stream.Number, F_GETFL, 0) & O_ACCMODE));
    }

    /// <summary>
    /// A mount of the device alone, attached nowhere; null where we may make none: then we are not root, whose the device is.
    /// open_tree(2), Linux 5.2; mount_setattr(2), 5.12.
    /// </summary>
    private static Fd? TryMount()
    {
        int number;
        fixed (byte* path = CString.Of(Host))
            number = (int)syscall(Syscall.open_tree, At.FDCWD, path, At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC);
        if (number < 0)
            return Errno.Last is Errno.EPERM or Errno.ENOSYS ? null : throw new SyscallException("open_tree", Errno.Last, Host);
        var mount = new Fd(number);
        var attributes = stackalloc ulong[4]; // struct mount_attr: set, clear, propagation, userns_fd
        attributes[0] = (ulong)(
            MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NOEXEC);
        fixed (byte* itself = "\0"u8)
            if ((int)syscall(Syscall.mount_setattr, number, itself, At.EMPTY_PATH, attributes, 4 * sizeof(ulong)) == 0)
                return mount;
        var errno = Errno.Last;
        mount.Dispose();
        return errno is Errno.EPERM or Errno.ENOSYS ? null : throw new SyscallException("mount_setattr", errno, Host);
    }
}
