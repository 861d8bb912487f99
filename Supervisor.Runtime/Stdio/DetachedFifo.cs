using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// How a reader detaches on purpose, so that the process behind a <see cref="PipeTarget"/> keeps running: it removes the FIFO's
/// read permission. The mark is on the FIFO's inode, so every holder of a descriptor sees it, in any mount namespace and after a
/// restart. A reader that is killed leaves none.
/// </summary>
public static class DetachedFifo
{
    private const uint OwnerMayRead = 0x100, OwnerMayWrite = 0x80;

    /// <summary>Marks the FIFO; the reader calls it before it closes its end.</summary>
    /// <exception cref="SyscallException">fchmod(2) failed; the FIFO is not marked.</exception>
    public static void Mark(SafeFileHandle reading)
    {
        using var held = new HeldHandle(reading);
        if (fchmod(held.Number, (ushort)OwnerMayWrite) != 0) throw new SyscallException("fchmod", Errno.Last);
    }

    /// <summary>Whether the reader of this FIFO has detached; false for anything else.</summary>
    internal static bool Is(Fd writing) =>
        FileStatus.OwnerOf(writing) is var (mode, _, _) && S_ISFIFO((ushort)mode) && (mode & OwnerMayRead) == 0;
}
