using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps that take the host's mounts out of the container's namespace where its root is moved over theirs instead of pivoted, and
/// so
/// leaves them in place. A procfs or sysfs among them would let a nested user namespace mount a fresh, writable one: the
/// kernel allows it where one is fully visible already. mount_namespaces(7), "Restrictions on mount namespaces".
/// </summary>
internal static class OldMounts
{
    /// <param name="root">Where the new root is mounted; it and what it stands on stay.</param>
    public static void Remove(LaunchProgram program, string root)
    {
        // The last one first: what was mounted over another shows it when it is gone.
        foreach (var mount in MountLine.Of("self").Reverse())
        {
            if (MountLine.IsBelow(root, mount.Point) || MountLine.IsBelow(mount.Point, root)) continue;
            var gone = program.Add(Syscall.umount2, $"{mount.Point} of the host", program.Text(mount.Point), At.MNT_DETACH)
                .IgnoringErrors();
            if (mount.Type is not ("proc" or "sysfs")) continue;
            // It is locked in a user namespace: then nobody can uncover it either, and what is covered counts as hidden.
            gone.SkippingOnSuccess();
            program.Add(Syscall.mount, $"{mount.Point} of the host (covered)", program.Text("none"), program.Text(mount.Point),
                program.Text("tmpfs"),
                (long)MountFlags.MS_RDONLY, program.Text("size=0")).Tolerating(Errno.ENOENT); // it went with one above it
            gone.SkipsToHere();
        }
    }
}
