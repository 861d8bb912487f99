using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps that make detached mounts: no process can see or race them before they are attached. fsopen(2), fsmount(2) and
/// open_tree(2) of Linux 5.2, mount_setattr(2) of 5.12.
/// </summary>
internal sealed class DetachedMounts(LaunchProgram program, FdSlots slots)
{
    /// <summary>Makes a new filesystem.</summary>
    /// <param name="options">Each <c>key=value</c> or <c>key</c>; a value has at most 255 characters (fsconfig(2)).</param>
    /// <returns>The slot that holds the mount.</returns>
    public int Filesystem(string type, string? source, IEnumerable<string> options, MountAttributes attributes, string forWhat)
    {
        var context = slots.Take();
        FdSlots.Keep(program, program.Add(Syscall.fsopen, type, program.Text(type), At.FSOPEN_CLOEXEC), context);
        if (!string.IsNullOrEmpty(source))
            program.Add(Syscall.fsconfig, $"{type}: source={source}", context, At.FSCONFIG_SET_STRING, program.Text("source"),
                program.Text(source), 0);
        foreach (var option in options)
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                program.Add(Syscall.fsconfig, $"{type}: {option}", context, At.FSCONFIG_SET_FLAG, program.Text(option), 0, 0);
            else
                program.Add(Syscall.fsconfig, $"{type}: {option}", context, At.FSCONFIG_SET_STRING,
                    program.Text(option[..equals]), program.Text(option[(equals + 1)..]), 0);
        }
        program.Add(Syscall.fsconfig, null, context, At.FSCONFIG_CMD_CREATE, 0, 0, 0).Called($"mount {type} for \"{forWhat}\"");
        var mount = slots.Take();
        FdSlots.Keep(program, program.Add(Syscall.fsmount, type, context, At.FSMOUNT_CLOEXEC, (long)attributes), mount);
        return mount;
    }

    /// <summary>Copies the mount at a path of the host.</summary>
    /// <returns>The slot that holds the mount.</returns>
    public int CopyOf(string hostPath, bool recursive)
    {
        var mount = slots.Take();
        FdSlots.Keep(program, program.Add(Syscall.open_tree, hostPath, At.FDCWD, program.Text(hostPath), CloneFlags(recursive)),
            mount);
        return mount;
    }

    /// <summary>Copies the mount of a descriptor.</summary>
    public int CopyOf(int fd, string name, bool recursive)
    {
        var mount = slots.Take();
        FdSlots.Keep(program, program.Add(Syscall.open_tree, name, fd, program.Text(""), CloneFlags(recursive) | At.EMPTY_PATH),
            mount);
        return mount;
    }

    /// <summary>
    /// Gives a copy of a mount exactly the attributes of its spec. As with runc, flags that the spec does not name are cleared
    /// and the access time mode is kept. A flag locked by a more privileged namespace stays. mount_namespaces(7).
    /// </summary>
    /// <param name="set">Flags that the spec sets.</param>
    /// <param name="clear">Flags that the spec clears: it is an error if one is locked.</param>
    public void Replace(int mountSlot, MountAttributes set, MountAttributes clear, string name)
    {
        const MountAttributes flags =
            MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV
            | MountAttributes.MOUNT_ATTR_NOEXEC | MountAttributes.MOUNT_ATTR_NODIRATIME | MountAttributes.MOUNT_ATTR_NOSYMFOLLOW;
        // a bind whose spec names no attributes keeps those of its source
        if (set is MountAttributes.None && clear is MountAttributes.None) return;
        var done = Set(mountSlot, set, clear | flags & ~set, MountFlags.None, recursive: false, name).IgnoringErrors()
            .SkippingOnSuccess();
        Change(mountSlot, set, clear, MountFlags.None, recursive: false, name);
        done.SkipsToHere();
    }

    /// <summary>Changes the attributes of a mount.</summary>
    public void Change(int mountSlot, MountAttributes set, MountAttributes clear, MountFlags propagation, bool recursive,
        string name)
    {
        if (set is MountAttributes.None && clear is MountAttributes.None && propagation is MountFlags.None) return;
        Set(mountSlot, set, clear, propagation, recursive, name);
    }

    /// <summary>
    /// Makes a copy of one of the host's device nodes read-only: it can be read and written all the same, but the container's
    /// root, if he is the host's, cannot change the mode, owner or times of the host's node.
    /// </summary>
    public void Protect(int mountSlot, string name) => Change(
        mountSlot, MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NOEXEC,
        MountAttributes.None, MountFlags.None, recursive: false, name);

    /// <summary>
    /// Makes a file system that was just filled read-only. The kernel refuses with EBUSY while a file is open for writing in
    /// it, as ours may be in a child that another thread of ours clones at that moment, until it executes its program: then
    /// again, after a while. mount_setattr(2).
    /// </summary>
    public void MakeReadOnly(int mountSlot, string name)
    {
        var succeeded = new List<LaunchProgram.Step>();
        foreach (var milliseconds in (ReadOnlySpan<long>)[1, 10, 100, 500, 1000, 1000, 2000, 2000, 2000])
        {
            succeeded.Add(Try().IgnoringErrors().SkippingOnSuccess());
            program.Add(Syscall.ppoll, name, 0, 0, program.Values<long>([milliseconds / 1000, milliseconds % 1000 * 1_000_000]),
                0);
        }
        Try();
        foreach (var step in succeeded) step.SkipsToHere();

        LaunchProgram.Step Try() => Set(
            mountSlot, MountAttributes.MOUNT_ATTR_RDONLY, MountAttributes.None, MountFlags.None, recursive: false, name);
    }

    private LaunchProgram.Step Set(
        int mountSlot, MountAttributes set, MountAttributes clear, MountFlags propagation, bool recursive, string name) =>
        program.Add(Syscall.mount_setattr, name, mountSlot, program.Text(""), At.EMPTY_PATH | (recursive ? At.RECURSIVE : 0),
            program.Value(Attributes(set, clear, propagation)), 32);

    private static MountAttr Attributes(MountAttributes set, MountAttributes clear, MountFlags propagation)
    {
        // the modes exclude each other
        if ((set & MountAttributes.MOUNT_ATTR__ATIME) != 0) clear |= MountAttributes.MOUNT_ATTR__ATIME;
        return new MountAttr { set = set, clear = clear, propagation = propagation };
    }

    private static long CloneFlags(bool recursive) => At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC | (recursive ? At.RECURSIVE : 0);

    [StructLayout(LayoutKind.Sequential)]
    private struct MountAttr // struct mount_attr, MOUNT_ATTR_SIZE_VER0, 32 bytes
    {
        public MountAttributes set, clear;
        public MountFlags propagation;
        public ulong userns_fd;
    }
}
