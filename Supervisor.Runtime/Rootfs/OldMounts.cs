using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps that unmount the host's mounts in the container's namespace. They stay in place where the new root is moved over the old
/// one instead of pivoted. A procfs or sysfs among them would let a nested user namespace mount a new, writable one: the kernel
/// allows that where one is fully visible. mount_namespaces(7), "Restrictions on mount namespaces".
/// </summary>
internal static class OldMounts
{
    /// <param name="root">The mount point of the new root; it and the mounts that it is on stay.</param>
    public static void Remove(LaunchProgram program, string root)
    {
        // In reverse order: unmounting one uncovers the mount below it.
        foreach (var mount in MountLine.Of("self").Reverse())
        {
            if (MountLine.IsBelow(root, mount.Point) || MountLine.IsBelow(mount.Point, root)) continue;
            var gone = program.Add(Syscall.umount2, $"{mount.Point} of the host", program.Text(mount.Point), At.MNT_DETACH)
                .IgnoringErrors();
            if (mount.Type is not ("proc" or "sysfs")) continue;
            // It is locked in a user namespace: then no process can uncover it, and the kernel counts a covered one as hidden.
            gone.SkippingOnSuccess();
            program.Add(Syscall.mount, $"{mount.Point} of the host (covered)", program.Text("none"), program.Text(mount.Point),
                program.Text("tmpfs"),
                (long)MountFlags.MS_RDONLY, program.Text("size=0")).Tolerating(Errno.ENOENT); // unmounted with one above it
            gone.SkipsToHere();
        }
    }
}
