using System.Globalization;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>
/// An advisory lock on a file or directory, for one process at a time. The kernel releases it when its holder closes the
/// descriptor or exits, however it exits. flock(2).
/// </summary>
public static class ExclusiveLock
{
    /// <summary>Takes it without waiting; it lasts until <paramref name="file"/> is closed.</summary>
    /// <returns>False where another process, or another descriptor of this one, holds it.</returns>
    /// <exception cref="SyscallException">Any errno but EWOULDBLOCK and EINTR.</exception>
    public static bool TryTake(Fd file)
    {
        ArgumentNullException.ThrowIfNull(file);
        while (Native.flock(file.Number, Native.LOCK_EX | Native.LOCK_NB) != 0)
        {
            if (Errno.Last is Errno.EAGAIN) return false;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("flock", Errno.Last);
        }
        return true;
    }

    /// <summary>The pid of the process that holds it, from /proc/locks. For a message only: it may exit at any time.</summary>
    /// <returns>Null where none does, or one in a pid namespace that we do not see.</returns>
    public static int? HolderOf(Fd file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var inode = FileStatus.InodeOf(file); // not the device: some file systems report another one by statx(2)
        foreach (var line in KernelFile.Read("/proc/locks").Split('\n'))
        {
            // 1: FLOCK  ADVISORY  WRITE 1234 08:02:5678 0 EOF
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "FLOCK", _, _, var pid, var place, ..]
                && place.EndsWith($":{inode}", StringComparison.Ordinal)
                && int.TryParse(pid, CultureInfo.InvariantCulture, out var holder) && holder > 0) return holder;
        }
        return null;
    }
}
