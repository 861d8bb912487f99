using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps for the spec's <c>maskedPaths</c> and <c>readonlyPaths</c>. Before pivot_root: the host's null device can be copied only
/// while its mount is in our namespace.
/// </summary>
internal sealed class PathProtection(
    LaunchProgram program, FdSlots slots, RootTree tree, DetachedMounts mounts, ContainerPlan plan)
{
    public void Add()
    {
        if (plan.Spec.Linux is not { } linux) return;
        if (linux.MaskedPaths.Count > 0)
        {
            // The host's, by the host's path: the container's /dev/null could be anything (CVE-2025-31133).
            var nullDevice = slots.Take();
            FdSlots.Keep(program,
                program.Add(Syscall.openat, Bundle.NullDevice, At.FDCWD, program.Text(Bundle.NullDevice),
                (OpenFlags.O_PATH | OpenFlags.O_CLOEXEC).ToKernel(), 0), nullDevice);
            // Until there is an empty directory, a file, which covers no directory: an unset slot could be any descriptor.
            var empty = slots.Take();
            program.Add(Syscall.dup3, Bundle.NullDevice, nullDevice, empty, (long)OpenFlags.O_CLOEXEC);
            foreach (var path in linux.MaskedPaths) Mask(path, nullDevice, empty);
        }
        foreach (var path in linux.ReadonlyPaths) MakeReadOnly(path);
    }

    /// <summary>Covers a file with the null device, and a directory with an empty one, shared by all, as in runc.</summary>
    /// <param name="empty">The slot of the empty directory, once there is one.</param>
    private void Mask(string path, int nullDevice, int empty)
    {
        var target = slots.Take();
        var missing = tree.Open(path).Tolerating(Errno.ENOENT);
        FdSlots.Keep(program, missing, target);
        var cover = mounts.CopyOf(nullDevice, Bundle.NullDevice, recursive: false);
        mounts.Protect(cover, Bundle.NullDevice);
        var isFile = tree.MoveMount(cover, path, target).IgnoringErrors().SkippingOnSuccess(); // ENOTDIR: the path is a directory
        // Copies the empty directory that covers another one already; the first time it is a file (ENOTDIR), and the next steps
        // make one.
        var copy = slots.Take();
        program.Add(Syscall.open_tree, path, empty, program.Text(""), At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC | At.EMPTY_PATH)
            .IgnoringErrors().IntoNext(0);
        program.Add(Syscall.dup3, path, 0, copy, (long)OpenFlags.O_CLOEXEC).IgnoringErrors();
        var covered = tree.MoveMount(copy, path, target).IgnoringErrors().SkippingOnSuccess();
        cover = mounts.Filesystem("tmpfs", "tmpfs", ["size=0", "mode=555"],
            MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV
                | MountAttributes.MOUNT_ATTR_NOEXEC, path);
        program.Add(Syscall.dup3, path, cover, empty, (long)OpenFlags.O_CLOEXEC);
        tree.MoveMount(cover, path, target);
        isFile.SkipsToHere();
        covered.SkipsToHere();
        missing.SkipsToHere();
    }

    private void MakeReadOnly(string path)
    {
        var target = slots.Take();
        var missing = tree.Open(path).Tolerating(Errno.ENOENT);
        FdSlots.Keep(program, missing, target);
        var copy = mounts.CopyOf(target, path, recursive: true);
        mounts.Change(copy, MountAttributes.MOUNT_ATTR_RDONLY, MountAttributes.None, MountFlags.None, recursive: true, path);
        tree.MoveMount(copy, path, target);
        missing.SkipsToHere();
    }
}
