using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps for the content of /dev: the default devices of the runtime spec, the spec's devices, and the usual links.
/// </summary>
internal sealed class DeviceNodes(LaunchProgram program, RootTree tree, DetachedMounts mounts, ContainerPlan plan)
{
    private const uint S_IFCHR = 0x2000, S_IFBLK = 0x6000, S_IFIFO = 0x1000;

    private static readonly DeviceSpec[] Defaults =
    [
        Character("/dev/null", 1, 3), Character("/dev/zero", 1, 5), Character("/dev/full", 1, 7),
        Character("/dev/random", 1, 8), Character("/dev/urandom", 1, 9), Character("/dev/tty", 5, 0),
    ];

    private static readonly (string Target, string Name)[] Links =
    [
        ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout"), ("/proc/self/fd/2", "stderr"),
        ("pts/ptmx", "ptmx"),
    ];

    public void Add()
    {
        var own = plan.Spec.Linux?.Devices ?? [];
        if (plan.Spec.Mounts.Any(IsBoundDev)) return; // the host's own /dev is left alone
        tree.MakeDirectories("/dev", followSymlinks: false);
        foreach (var device in Defaults.Where(d => own.All(o => o.Path != d.Path)).Concat(own)) Node(device);
        foreach (var (target, name) in Links)
        {
            tree.Open("/dev", followSymlinks: false).IntoNext(1);
            program.Add(Syscall.symlinkat, $"/dev/{name}", program.Text(target), 0, program.Text(name)).Tolerating(Errno.EEXIST);
        }
    }

    private static bool IsBoundDev(MountSpec mount) =>
        mount.Destination.TrimEnd('/') is "/dev" && (mount.Type is "bind" || MountOptions.Parse(mount.Options).Bind);

    private void Node(DeviceSpec device)
    {
        if ((plan.Namespaces.OtherUser || IdMaps.InUserNamespace) && device.Type is not "p")
        {
            // mknod(2) fails in a user namespace: the host's node is bound instead, or one that was made for it.
            tree.MakeFile(device.Path);
            if (!plan.PreopenedDevices.TryGetValue(device.Path, out var preopened))
            {
                var copy = mounts.CopyOf(device.Path, recursive: false);
                mounts.Protect(copy, device.Path);
                tree.Attach(copy, device.Path, followSymlinks: false);
            }
            else tree.Attach(preopened.Number, device.Path, followSymlinks: false);
            return;
        }
        var type = device.Type switch { "b" => S_IFBLK, "p" => S_IFIFO, _ => S_IFCHR };
        var path = device.Path.TrimEnd('/');
        var parent = Path.GetDirectoryName(path)!;
        var name = program.Text(Path.GetFileName(path));
        tree.MakeDirectories(parent);
        tree.Open(parent).IntoNext(0);
        program.Add(Syscall.mknodat, device.Path, 0, name, type | (device.FileMode ?? 0x1b6 /* 0666 */) & 0xfff,
            Encode(device.Major, device.Minor))
            .Tolerating(Errno.EEXIST);
        if (device.Uid is null or 0 && device.Gid is null or 0) return;
        tree.Open(parent).IntoNext(0);
        program.Add(Syscall.fchownat, device.Path, 0, name, device.Uid ?? 0, device.Gid ?? 0, At.SYMLINK_NOFOLLOW);
    }

    private static DeviceSpec Character(string path, long major, long minor) =>
        new() { Type = "c", Path = path, Major = major, Minor = minor };

    /// <summary>As mknod(2) takes it: new_encode_dev of linux/kdev_t.h.</summary>
    public static long Encode(long major, long minor) => (minor & 0xff) | (major << 8) | ((minor & ~0xffL) << 12);
}
