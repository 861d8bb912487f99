using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Runtime.Rootfs;

/// <summary>Steps for the spec's <c>mounts</c>: each is made detached, then attached beneath the root.</summary>
internal sealed class SpecMounts(ContainerPlan plan, LaunchProgram program, RootTree tree, DetachedMounts mounts)
{
    // If the root has mounts of its own, its content is not known yet.
    private readonly ImagePaths _image = new(plan.RootMounts.Count == 0 ? plan.Rootfs : null);
    private readonly List<(int Slot, string Destination)> _readOnly = [];
    private readonly List<string> _made = []; // destinations so far, as the host sees them

    /// <summary>
    /// Makes new file systems read-only where the spec says so: the last step, because earlier ones write to them.
    /// </summary>
    public void Finish()
    {
        foreach (var (slot, destination) in _readOnly)
            mounts.MakeReadOnly(slot, destination);
    }

    /// <exception cref="InvalidSpecException">A bind source does not exist.</exception>
    public void Add()
    {
        for (var i = 0; i < plan.Spec.Mounts.Count; i++)
        {
            var mount = plan.Spec.Mounts[i];
            var options = MountOptions.Parse(mount.Options);
            // Also through dangling links, as runc and crun do; a path that must not be a link is not followed.
            if (FollowsSymlinks(mount)) mount = mount with { Destination = _image.Resolve(mount.Destination) };
            if (options.CopySymlink && TryCopySymlink(mount)) continue;
            if (options.Bind || mount.Type is "bind") Bind(mount, options, i);
            else if (mount.Type is "cgroup" or "cgroup2") new CgroupMounts(plan, tree, mounts).Add(mount, options);
            else if (mount.Type is null or "" or "none") Reconfigure(mount, options);
            else Filesystem(mount, options);
            _made.Add(Path.Join(plan.Rootfs, mount.Destination.Trim('/')));
        }
    }

    private void Filesystem(MountSpec mount, MountOptions options)
    {
        var type = mount.Type!;
        var followSymlinks = FollowsSymlinks(mount);
        tree.MakeDirectories(mount.Destination, followSymlinks);
        // Flags of mount(2) that have no effect today; fsconfig(2) would take them for file system options.
        List<string> words =
            [.. options.FilesystemFlags.Where(f => f is not ("silent" or "iversion" or "acl" or "noacl")),
            .. options.DataOptions];
        // Without a mode a tmpfs gets that of the directory that it covers, as in runc and crun.
        if (type is "tmpfs" && !words.Any(w => w.StartsWith("mode=", StringComparison.Ordinal))
            && _image.ModeOf(mount.Destination) is { } mode)
            words.Add($"mode={Convert.ToString(mode, 8)}");
        if (plan.Spec.Linux?.MountLabel is { Length: > 0 } label && type is not ("proc" or "sysfs"))
            words.Add($"context={label}");
        // there is nothing below it yet
        var attributes = (MountAttributes)(options.AttributesToSet | options.RecursiveAttributesToSet);
        var slot = mounts.Filesystem(
            type, mount.Source, words, attributes & ~MountAttributes.MOUNT_ATTR_RDONLY, mount.Destination);
        if (attributes.HasFlag(MountAttributes.MOUNT_ATTR_RDONLY)) _readOnly.Add((slot, mount.Destination));
        if (options.CopyUp && plan.Pauses is { } pauses)
        {
            // We copy the covered directory: the child cannot list directories.
            var (root, into) = (tree.Root, slot);
            pauses.Add(program, $"tmpcopyup of \"{mount.Destination}\"", (pid, stop) =>
                CopyUp.Run(pid, root, mount.Destination, into, stop));
        }
        Propagate(slot, options, mount.Destination);
        tree.Attach(slot, mount.Destination, followSymlinks);
    }

    private void Bind(MountSpec mount, MountOptions options, int index)
    {
        var source = Path.GetFullPath(mount.Source ?? "", plan.Bundle);
        var isDirectory = Directory.Exists(source);
        var later = _made.Any(made => MountLine.IsBelow(source, made));
        if (!isDirectory && !later && !File.Exists(source))
            throw new InvalidSpecException($"mounts[{index}].source", $"\"{source}\" does not exist");
        var followSymlinks = FollowsSymlinks(mount);
        var slot = plan.PreopenedMounts.TryGetValue(index, out var preopened) ? preopened.Number
            : later ? CopyOfMounted(source, options.RecursiveBind) : mounts.CopyOf(source, options.RecursiveBind);
        if (later) MakeMountPoint(slot, mount.Destination, followSymlinks);
        else if (isDirectory) tree.MakeDirectories(mount.Destination, followSymlinks);
        else tree.MakeFile(mount.Destination);
        mounts.Replace(slot, (MountAttributes)options.AttributesToSet, (MountAttributes)options.AttributesToClear,
            mount.Destination);
        var throughout = (MountAttributes)options.RecursiveAttributesToSet;
        if (ShowsHostCgroups(source, options)) throughout |= MountAttributes.MOUNT_ATTR_RDONLY;
        mounts.Change(slot, throughout, (MountAttributes)options.RecursiveAttributesToClear, MountFlags.None, recursive: true,
            mount.Destination);
        Propagate(slot, options, mount.Destination);
        tree.Attach(slot, mount.Destination, followSymlinks);
    }

    /// <summary>
    /// A copy of a path that an earlier mount has made: opened beneath the new root, because a user namespace's root may not
    /// traverse the host's directories above it.
    /// </summary>
    private int CopyOfMounted(string source, bool recursive)
    {
        tree.Open("/" + Path.GetRelativePath(plan.Rootfs, source)).IntoNext(0);
        return mounts.CopyOf(0, source, recursive);
    }

    /// <summary>Makes a directory or a file to mount on, depending on the source.</summary>
    private void MakeMountPoint(int source, string destination, bool followSymlinks)
    {
        tree.Forget();
        tree.MakeDirectories(Path.GetDirectoryName(destination.TrimEnd('/')) ?? "/", followSymlinks);
        var isDirectory = program.Add(
            Syscall.openat, destination, source, program.Text("."),
            (OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0)
            .IgnoringErrors().SkippingOnSuccess();
        tree.MakeFile(destination);
        var isFile = program.Add(Syscall.getpid, destination).SkippingOnSuccess();
        isDirectory.SkipsToHere();
        tree.Forget();
        tree.MakeDirectories(destination, followSymlinks);
        isFile.SkipsToHere();
        tree.Forget();
    }

    /// <summary>
    /// A user with delegated cgroups must not pass them to a container that binds the host's /sys read-only: CVE-2023-25809. This
    /// also applies when we are in the user namespace ourselves, as with rootless docker and podman.
    /// </summary>
    private bool ShowsHostCgroups(string source, MountOptions options) => options is { RecursiveBind: true, ReadOnly: true } &&
        source.TrimEnd('/') is "/sys" or "/sys/fs" or "/sys/fs/cgroup" && (plan.Namespaces.OtherUser || IdMaps.InUserNamespace);

    /// <summary><c>copy-symlink</c>, an option of crun: a source that is a symlink is recreated, not mounted.</summary>
    private bool TryCopySymlink(MountSpec mount)
    {
        var source = Path.GetFullPath(mount.Source ?? "", plan.Bundle);
        if (new FileInfo(source).LinkTarget is not { } target) return false;
        var parent = Path.GetDirectoryName(mount.Destination.TrimEnd('/')) ?? "/";
        tree.MakeDirectories(parent);
        tree.Open(parent).IntoNext(1);
        program.Add(Syscall.symlinkat, mount.Destination, program.Text(target), 0,
            program.Text(Path.GetFileName(mount.Destination.TrimEnd('/')))).Tolerating(Errno.EEXIST);
        return true;
    }

    /// <summary>A remount, or only a change of propagation, of an existing mount.</summary>
    private void Reconfigure(MountSpec mount, MountOptions options)
    {
        tree.Open(mount.Destination).IntoNext(0);
        var set = (MountAttributes)(options.AttributesToSet | options.RecursiveAttributesToSet);
        var clear = (MountAttributes)(options.AttributesToClear | options.RecursiveAttributesToClear);
        var recursive = (options.RecursiveAttributesToSet | options.RecursiveAttributesToClear) != 0 || IsRecursive(options);
        mounts.Change(0, set, clear, (MountFlags)options.Propagation & ~MountFlags.MS_REC, recursive, mount.Destination);
    }

    private void Propagate(int slot, MountOptions options, string destination) =>
        mounts.Change(slot, MountAttributes.None, MountAttributes.None, (MountFlags)options.Propagation & ~MountFlags.MS_REC,
            IsRecursive(options), destination);

    private static bool IsRecursive(MountOptions options) => ((MountFlags)options.Propagation & MountFlags.MS_REC) != 0;

    /// <summary>
    /// /proc, /sys and /dev must be real directories: a symlink there would let an image choose what later steps reach
    /// (CVE-2019-19921, CVE-2023-27561, CVE-2026-41579).
    /// </summary>
    private static bool FollowsSymlinks(MountSpec mount) =>
        mount.Type is not ("proc" or "sysfs") && mount.Destination.TrimEnd('/') is not ("/proc" or "/sys" or "/dev");
}
