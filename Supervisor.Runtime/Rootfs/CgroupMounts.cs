using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps for a mount of type cgroup: on a v2 host the unified hierarchy, else a tmpfs with the container's directory of each
/// hierarchy, under the controller's name, as tools in the container expect.
/// </summary>
internal sealed class CgroupMounts(ContainerPlan plan, RootTree tree, DetachedMounts mounts)
{
    /// <param name="mount">The mount; its source is not used.</param>
    public void Add(MountSpec mount, MountOptions options)
    {
        var attributes = (MountAttributes)options.AttributesToSet;
        tree.MakeDirectories(mount.Destination);
        if (plan.IsPureV2)
        {
            Copy(plan.CgroupPaths.Values.First(), mount.Destination, attributes, options);
            return;
        }
        var tmpfs = mounts.Filesystem(
            "tmpfs", "cgroup", ["mode=755", "size=64k"], attributes & ~MountAttributes.MOUNT_ATTR_RDONLY, mount.Destination);
        tree.Attach(tmpfs, mount.Destination);
        foreach (var hierarchy in plan.CgroupPaths.GroupBy(p => p.Value, p => p.Key))
        {
            var name = string.Join(',', hierarchy.Order(StringComparer.Ordinal)).Replace("name=", "", StringComparison.Ordinal);
            var place = $"{mount.Destination}/{(name.Length == 0 ? "unified" : name)}";
            tree.MakeDirectories(place);
            Copy(hierarchy.Key, place, attributes, options);
        }
        Propagate(tmpfs, mount.Destination, options);
        if (attributes.HasFlag(MountAttributes.MOUNT_ATTR_RDONLY))
            mounts.Change(tmpfs, MountAttributes.MOUNT_ATTR_RDONLY, MountAttributes.None, MountFlags.None, recursive: false,
                mount.Destination);
    }

    private void Copy(string hostPath, string place, MountAttributes attributes, MountOptions options)
    {
        var slot = mounts.CopyOf(hostPath, recursive: false);
        mounts.Change(slot, attributes, MountAttributes.None, MountFlags.None, recursive: false, place);
        Propagate(slot, place, options);
        tree.Attach(slot, place);
    }

    private void Propagate(int slot, string place, MountOptions options) =>
        mounts.Change(slot, MountAttributes.None, MountAttributes.None, (MountFlags)options.Propagation & ~MountFlags.MS_REC,
            recursive: false, place);
}
