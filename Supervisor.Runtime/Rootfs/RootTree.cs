using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Tmds.Linux;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Steps on paths inside the new root, all resolved beneath one descriptor of it: no symlink of an image, and no concurrent
/// rename, leads outside the root. openat2(2) with RESOLVE_IN_ROOT, Linux 5.6.
/// </summary>
/// <remarks>This prevents vulnerabilities like CVE-2021-30465, CVE-2024-45310 and CVE-2025-31133.</remarks>
internal sealed class RootTree(LaunchProgram program, int rootSlot)
{
    private readonly HashSet<string> _made = [];

    /// <summary>The descriptor of the root.</summary>
    public int Root => rootSlot;

    /// <summary>Opens a path with O_PATH: to mount on, or as the directory of an <c>at</c> call.</summary>
    /// <param name="path">Absolute, as the container sees it.</param>
    /// <param name="followSymlinks">Within the root; never for /proc and /sys, where a symlink is an attack.</param>
    public LaunchProgram.Step Open(string path, bool followSymlinks = true, OpenFlags flags = OpenFlags.O_PATH)
    {
        var how = new open_how
        {
            flags = (ulong)(flags | OpenFlags.O_CLOEXEC).ToKernel(),
            resolve = (ulong)(ResolveFlags.RESOLVE_IN_ROOT | ResolveFlags.RESOLVE_NO_MAGICLINKS
                | (followSymlinks ? ResolveFlags.None : ResolveFlags.RESOLVE_NO_SYMLINKS)),
        };
        var relative = Relative(path);
        return program.Add(Syscall.openat2, path, rootSlot, program.Text(relative), program.Value(how), 24);
    }

    /// <summary>To be called after steps that may be skipped: it is then unknown which directories exist.</summary>
    public void Forget() => _made.Clear();

    /// <summary>Makes the missing directories of a path, one component at a time, each in the opened parent.</summary>
    /// <param name="purpose">The text of a failure, in place of the call's name.</param>
    public void MakeDirectories(string path, bool followSymlinks = true, string? purpose = null)
    {
        var components = Components(path);
        for (var i = 0; i < components.Length; i++)
        {
            var prefix = "/" + string.Join('/', components[..(i + 1)]);
            if (!_made.Add(prefix)) continue;
            InParent(components, i, followSymlinks, parent =>
            {
                var step = program.Add(Syscall.mkdirat, prefix, parent, program.Text(components[i]), 0x1ed /* 0755 */)
                    .Tolerating(Errno.EEXIST);
                if (purpose is not null) step.Called(purpose);
            });
        }
    }

    /// <summary>Makes an empty file to mount on, and its directories, where they are missing.</summary>
    public void MakeFile(string path)
    {
        const int S_IFREG = 0x8000;
        var components = Components(path);
        MakeDirectories("/" + string.Join('/', components[..^1]));
        InParent(components, components.Length - 1, followSymlinks: true, parent =>
            program.Add(Syscall.mknodat, path, parent, program.Text(components[^1]), S_IFREG | 0x1a4 /* 0644 */, 0)
                .Tolerating(Errno.EEXIST));
    }

    /// <summary>Attaches a detached mount to a path.</summary>
    /// <param name="mountSlot">From fsmount or open_tree.</param>
    public void Attach(int mountSlot, string path, bool followSymlinks = true)
    {
        var place = Open(path, followSymlinks).IntoNext(2);
        // runc's message; ELOOP for a symlink
        if (!followSymlinks) place.Called($"openat2 \"{path}\", which must be mounted on ordinary directory");
        MoveMount(mountSlot, path);
        if (Components(path).Length == 0) // a mount over the root is the root now
            program.Add(Syscall.dup3, "the root", mountSlot, rootSlot, (long)OpenFlags.O_CLOEXEC);
        _made.RemoveWhere(made => made.StartsWith(path == "/" ? "/" : path + "/", StringComparison.Ordinal)); // covered now
    }

    /// <summary>move_mount(2) onto the descriptor that the previous record stored into argument 2.</summary>
    public LaunchProgram.Step MoveMount(int mountSlot, string path, long targetSlot = 0) =>
        program.Add(Syscall.move_mount, path, mountSlot, program.Text(""), targetSlot, program.Text(""),
            At.MOVE_MOUNT_F_EMPTY_PATH | At.MOVE_MOUNT_T_EMPTY_PATH);

    private void InParent(string[] components, int index, bool followSymlinks, Action<long> add)
    {
        if (index == 0)
        {
            add(rootSlot);
            return;
        }
        Open("/" + string.Join('/', components[..index]), followSymlinks, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY).IntoNext(0);
        add(0);
    }

    private static string[] Components(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(c => c != ".").ToArray();

    private static string Relative(string path)
    {
        var relative = path.TrimStart('/');
        return relative.Length == 0 ? "." : relative;
    }
}
