using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Tmds.Linux;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// A new procfs that is never attached: nothing that an image or a volume mounts over /proc can redirect writes through it. It
/// comes from fsmount(2), so it cannot be anything but a procfs; every path is resolved beneath it, without crossing a mount and
/// without magic links.
/// </summary>
internal sealed class PrivateProc(LaunchProgram program, DetachedMounts mounts)
{
    private int? _slot;

    /// <summary>Writes a value into a file, whole.</summary>
    public void Write(string path, string value, string what)
    {
        _slot ??= mounts.Filesystem("proc", "proc", [], MountAttributes.None, "the runtime's own writes");
        var how = new open_how
        {
            flags = (ulong)(OpenFlags.O_WRONLY | OpenFlags.O_CLOEXEC).ToKernel(),
            resolve = (ulong)(ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_XDEV | ResolveFlags.RESOLVE_NO_MAGICLINKS),
        };
        var bytes = Encoding.UTF8.GetByteCount(value);
        program.Add(Syscall.openat2, what, _slot.Value, program.Text(path), program.Value(how), 24).Called(what).IntoNext(0);
        program.Add(Syscall.write, what, 0, program.Text(value), bytes).AtLeast(bytes).Called($"{what} = {value}");
    }
}
