using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Stdio;

/// <summary>pipe2(2), both ends close-on-exec.</summary>
internal static unsafe partial class Pipe
{
    public static (Fd Read, Fd Write) Create()
    {
        var ends = stackalloc int[2];
        if (pipe2(ends, (int)OpenFlags.O_CLOEXEC) != 0) throw new SyscallException("pipe2", Errno.Last);
        return (new Fd(ends[0]), new Fd(ends[1]));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);
}
