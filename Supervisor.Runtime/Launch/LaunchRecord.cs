using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Runtime.Launch;

/// <summary>How a record's result is handled. Read by the launch routine (Routine/x64.S).</summary>
[Flags]
internal enum LaunchFlags : uint
{
    None = 0,

    /// <summary>Any error continues with the next record.</summary>
    IgnoreErrors = 1,

    /// <summary>A result above 0 skips: the parent's side of a clone inside a program.</summary>
    SkipOnPositive = 2,

    /// <summary>Success skips.</summary>
    SkipOnSuccess = 4,

    /// <summary>
    /// The result is a signal's number, and the process an init: it reaps its children on SIGCHLD and forwards any other signal
    /// to the process whose pid the fifth argument points to, and exits when that does. Then the record runs again.
    /// </summary>
    ServeAsInit = 8,
}

/// <summary>One system call of a launch program, as the routine reads it: 72 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LaunchRecord
{
    /// <summary>Never a real errno: nothing is tolerated.</summary>
    public const ushort ToleratesNothing = 0xffff;

    public uint Number;
    public LaunchFlags Flags;
    public Arguments Argument;

    /// <summary>Where the result goes as 64 bits, or 0.</summary>
    public long Store;

    /// <summary>A smaller result is a failure: 0, or the bytes that a read or write must transfer.</summary>
    public int Least;
    public ushort Tolerated;

    /// <summary>Where a skip continues, in bytes from this record's start.</summary>
    public ushort Skip;

    [System.Runtime.CompilerServices.InlineArray(6)]
    public struct Arguments
    {
        private long _first;
    }
}

/// <summary>The launch routine's context: 64 bytes that it reads and writes, and the arguments of clone3.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LaunchContext
{
    public ulong CloneArgsAddress;
    public ulong CloneArgsSize;
    public ulong Records;
    public ulong AllSignals;
    public ulong OldSignals;

    /// <summary>
    /// Where a failure is written as 16 bytes {offset, result}; -1 where the parent shares this memory and reads it here.
    /// </summary>
    public long ErrorFd;

    /// <summary>Offset of the record that failed, from the first; -1 while none has.</summary>
    public long FailedOffset;

    /// <summary>Its result: the negative errno, or a count that was too small.</summary>
    public long FailedResult;

    public CloneArgs CloneArgs;
    public long Pidfd;
    public long ParentTid;
}
