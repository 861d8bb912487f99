using Microsoft.Win32.SafeHandles;

namespace Supervisor.Kernel.Files;

/// <summary>Identifies an open file, whatever its names are.</summary>
public static class FileIdentity
{
    /// <summary>Device and inode: unique while the file is open.</summary>
    public static string Of(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return FileStatus.NumbersOf((int)file.DangerousGetHandle()); // SAFETY: the caller keeps it open during the call
    }
}
