using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Tmds.Linux;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// A procfs of our own making that was never attached anywhere: nothing that an image or a volume puts over /proc can
/// redirect what is written through it. Being fresh from fsmount(2), it cannot be anything but a procfs; every path in it
/// is resolved beneath it, without crossing a mount and without magic links.
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
