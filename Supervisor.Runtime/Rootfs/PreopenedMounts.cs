using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Bind mounts that we make detached and pass to the container's init by descriptor: sources that its root may not open (in a
/// user namespace), idmapped ones (which need rights over the file system), and shared ones (the init's copy of the host's
/// mounts gets no events from the host). open_tree(2), mount_setattr(2); never attached in our namespace.
/// </summary>
internal static unsafe class PreopenedMounts
{
    /// <param name="open">Receives every descriptor, for the caller to close.</param>
    /// <exception cref="InvalidSpecException">A source does not exist, or its file system cannot be idmapped.</exception>
    public static IReadOnlyDictionary<int, Fd> Make(
        Spec spec, string bundle, string rootfs, bool otherUser, Func<Fd?> containerUser, List<IDisposable> open,
        CancellationToken deadline)
    {
        var preopened = new Dictionary<int, Fd>();
        for (var i = 0; i < spec.Mounts.Count; i++)
        {
            var mount = spec.Mounts[i];
            var options = MountOptions.Parse(mount.Options);
            if (!options.Bind && mount.Type is not "bind") continue;
            var mapped = options.IdMap || mount.UidMappings.Count > 0 || mount.GidMappings.Count > 0;
            var shared = ((MountFlags)options.Propagation & MountFlags.MS_SHARED) != 0;
            // without rights over our mounts the init tries itself
            if (!mapped && !shared && !(otherUser && !IdMaps.InUserNamespace)) continue;
            var source = Path.GetFullPath(mount.Source ?? "", bundle);
            if (MountedSources.IsMounted(source, spec.Mounts.Take(i), rootfs))
            {
                if (mapped) throw new InvalidSpecException(
                    $"mounts[{i}].source", $"\"{source}\" is made by an earlier mount: it cannot be idmapped");
                continue; // the init made it, in its own namespace
            }
            var tree = OpenTree(source, options.RecursiveBind, $"mounts[{i}].source");
            open.Add(tree);
            if (mapped) Map(tree, mount, options, $"mounts[{i}]", containerUser, open, deadline);
            preopened[i] = tree;
        }
        return preopened;
    }

    private static Fd OpenTree(string source, bool recursive, string field)
    {
        fixed (byte* path = CString.Of(source))
        {
            var flags = At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC | (recursive ? At.RECURSIVE : 0);
            var fd = (int)syscall(Syscall.open_tree, AT_FDCWD, path, flags);
            if (fd >= 0) return new Fd(fd);
        }
        throw Errno.Last is Errno.ENOENT
            ? new InvalidSpecException(field, $"\"{source}\" does not exist")
            : new SyscallException("open_tree", Errno.Last, source);
    }

    private static void Map(
        Fd tree, MountSpec mount, MountOptions options, string field, Func<Fd?> containerUser, List<IDisposable> open,
        CancellationToken deadline)
    {
        const ulong MOUNT_ATTR_IDMAP = 0x100000;
        Fd user;
        if (mount.UidMappings.Count > 0 || mount.GidMappings.Count > 0)
        {
            user = UserNamespaces.Create(mount.UidMappings, mount.GidMappings, deadline);
            open.Add(user);
        }
        else user = containerUser()
            ?? throw new InvalidSpecException(
            field + ".uidMappings", "is missing, and the container has no user namespace whose mapping could be used");
        var attributes = stackalloc ulong[4];
        (attributes[0], attributes[1], attributes[2], attributes[3]) = (MOUNT_ATTR_IDMAP, 0, 0, (ulong)user.Number);
        byte empty = 0;
        var flags = AT_EMPTY_PATH | (options.RecursiveIdMap ? At.RECURSIVE : 0);
        if ((int)syscall(Syscall.mount_setattr, tree.Number, &empty, flags, attributes, 32) == 0) return;
        throw Errno.Last is Errno.EINVAL
            ? new InvalidSpecException(field, "its file system cannot be idmapped by this kernel")
            : new SyscallException("mount_setattr(MOUNT_ATTR_IDMAP)", Errno.Last, mount.Source);
    }
}
