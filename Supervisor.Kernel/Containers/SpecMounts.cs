using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>Steps for the spec's <c>mounts</c>: each made detached, then put beneath the root.</summary>
internal sealed class SpecMounts(ContainerPlan plan, RootTree tree, DetachedMounts mounts)
{
    /// <exception cref="InvalidSpecException">A bind source does not exist.</exception>
    public void Add()
    {
        for (var i = 0; i < plan.Spec.Mounts.Count; i++)
        {
            var mount = plan.Spec.Mounts[i];
            var options = MountOptions.Parse(mount.Options);
            if (options.Bind || mount.Type is "bind") Bind(mount, options, $"mounts[{i}].source");
            else if (mount.Type is "cgroup" or "cgroup2") new CgroupMounts(plan, tree, mounts).Add(mount, options);
            else Filesystem(mount, options);
        }
    }

    private void Filesystem(MountSpec mount, MountOptions options)
    {
        var type = mount.Type ?? "none";
        // /proc and /sys must be real directories: a symlink there would let an image choose what later writes reach.
        var followSymlinks = type is not ("proc" or "sysfs");
        tree.MakeDirectories(mount.Destination, followSymlinks);
        var slot = mounts.Filesystem(
            type, mount.Source, [.. options.FilesystemFlags, .. options.DataOptions], (MountAttributes)options.AttributesToSet, mount.Destination);
        mounts.Change(slot, MountAttributes.None, MountAttributes.None, (MountFlags)options.Propagation & ~MountFlags.MS_REC, recursive: false, mount.Destination);
        tree.Attach(slot, mount.Destination, followSymlinks);
    }

    private void Bind(MountSpec mount, MountOptions options, string field)
    {
        var source = Path.GetFullPath(mount.Source ?? "", plan.Bundle);
        var isDirectory = Directory.Exists(source);
        if (!isDirectory && !File.Exists(source)) throw new InvalidSpecException(field, $"\"{source}\" does not exist");
        if (isDirectory) tree.MakeDirectories(mount.Destination);
        else tree.MakeFile(mount.Destination);
        var slot = mounts.CopyOf(source, options.RecursiveBind);
        mounts.Change(slot, (MountAttributes)options.AttributesToSet, (MountAttributes)options.AttributesToClear, MountFlags.None, recursive: false, mount.Destination);
        mounts.Change(slot, (MountAttributes)options.RecursiveAttributesToSet, (MountAttributes)options.RecursiveAttributesToClear,
            (MountFlags)options.Propagation & ~MountFlags.MS_REC, recursive: true, mount.Destination);
        tree.Attach(slot, mount.Destination);
    }
}
