using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>Steps for the spec's <c>maskedPaths</c> and <c>readonlyPaths</c>. Before pivot_root: what the host lends can be copied only while it is in our namespace.</summary>
internal sealed class PathProtection(LaunchProgram program, FdSlots slots, RootTree tree, DetachedMounts mounts, ContainerPlan plan)
{
    /// <summary>What masked files are covered with; the creation checks that it is character device 1:3.</summary>
    public const string NullDevice = "/dev/null";

    public void Add()
    {
        if (plan.Spec.Linux is not { } linux) return;
        if (linux.MaskedPaths.Count > 0)
        {
            // The host's, by its own path: never the container's /dev/null, which could be anything (CVE-2025-31133).
            var nullDevice = slots.Take();
            FdSlots.Keep(program, program.Add(Syscall.openat, NullDevice, At.FDCWD, program.Text(NullDevice), (OpenFlags.O_PATH | OpenFlags.O_CLOEXEC).ToKernel(), 0), nullDevice);
            foreach (var path in linux.MaskedPaths) Mask(path, nullDevice);
        }
        foreach (var path in linux.ReadonlyPaths) MakeReadOnly(path);
    }

    /// <summary>Covers a file with the null device, and a directory with an empty one.</summary>
    private void Mask(string path, int nullDevice)
    {
        var target = slots.Take();
        var missing = tree.Open(path).Tolerating(Errno.ENOENT);
        FdSlots.Keep(program, missing, target);
        var cover = mounts.CopyOf(nullDevice, NullDevice, recursive: false);
        var isFile = tree.MoveMount(cover, path, target).IgnoringErrors().SkippingOnSuccess(); // ENOTDIR: the path is a directory
        cover = mounts.Filesystem("tmpfs", "tmpfs", ["size=0", "mode=555"],
            MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV | MountAttributes.MOUNT_ATTR_NOEXEC, path);
        tree.MoveMount(cover, path, target);
        isFile.SkipsToHere();
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
