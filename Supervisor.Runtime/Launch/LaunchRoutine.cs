using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch.Routine;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// The launch routine, mapped read-execute from a memfd once per process; never writable and executable at the same time.
/// </summary>
internal static unsafe partial class LaunchRoutine
{
    private static readonly delegate* unmanaged<LaunchContext*, nint> Entry = Map();

    /// <summary>The code for this machine.</summary>
    public static ReadOnlySpan<byte> Code => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => LaunchRoutineBytes.X64,
        Architecture.Arm64 => LaunchRoutineBytes.Arm64,
        var other => throw new PlatformNotSupportedException(
            $"there is no launch routine for {other}, only for x86-64 and arm64"),
    };

    /// <summary>Offset of the init stub's entry in <see cref="Code"/>.</summary>
    public static int StubEntry =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? LaunchRoutineBytes.Arm64Stub : LaunchRoutineBytes.X64Stub;

    /// <summary>Offset in <see cref="Code"/> of the handler that exits with 128 + the signal's number.</summary>
    public static int EarlyHandler =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64
            ? LaunchRoutineBytes.Arm64Early : LaunchRoutineBytes.X64Early;

    /// <summary>
    /// Calls clone3, and in the child runs the records. Returns in the parent only: the pid, or the negative errno of clone3.
    /// </summary>
    /// <param name="context">Must stay valid and in place until this returns.</param>
    public static nint Run(LaunchContext* context) => Entry(context);

    private static delegate* unmanaged<LaunchContext*, nint> Map()
    {
        const int PROT_READ = 1, PROT_EXEC = 4, MAP_PRIVATE = 2;
        using var file = Memfd.Create("launch-routine", executable: true);
        file.Write(Code);
        var page = mmap(null, (nuint)Environment.SystemPageSize, PROT_READ | PROT_EXEC, MAP_PRIVATE, file.Number, 0);
        if (page == (void*)-1) throw new SyscallException("mmap", Errno.Last, "the launch routine");
        // SAFETY: a fresh mapping of a fresh file needs no instruction cache flush on arm64: no core has ever fetched from it.
        return (delegate* unmanaged<LaunchContext*, nint>)page;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, nint offset);
}
