using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>pipe2(2), both ends close-on-exec.</summary>
internal static unsafe class Pipe
{
    public static (Fd Read, Fd Write) Create()
    {
        var ends = stackalloc int[2];
        if (pipe2(ends, O_CLOEXEC) != 0) throw new SyscallException("pipe2", Errno.Last);
        return (new Fd(ends[0]), new Fd(ends[1]));
    }
}
