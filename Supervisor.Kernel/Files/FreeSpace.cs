using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>What a file system has left for users. statfs(2).</summary>
/// <param name="Bytes">Free bytes.</param>
/// <param name="TotalInodes">0 where the file system does not count them.</param>
public readonly record struct FreeSpace(ulong Bytes, ulong TotalBytes, ulong Inodes, ulong TotalInodes)
{
    /// <param name="path">A directory, or a file.</param>
    /// <exception cref="SyscallException">It cannot be opened, or any other errno.</exception>
    public static unsafe FreeSpace Of(string path)
    {
        using var place = Fd.Open(path, OpenFlags.O_PATH);
        // struct statfs of 64-bit Linux begins with type, bsize, blocks, bfree, bavail, files, ffree.
        var numbers = stackalloc ulong[32];
        if ((int)syscall(Syscall.fstatfs, place.Number, numbers) != 0) throw new SyscallException("fstatfs", Errno.Last, path);
        return new FreeSpace(numbers[1] * numbers[4], numbers[1] * numbers[2], numbers[6], numbers[5]);
    }
}
