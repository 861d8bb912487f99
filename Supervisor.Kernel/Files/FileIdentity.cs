using Microsoft.Win32.SafeHandles;

namespace Supervisor.Kernel.Files;

/// <summary>Tells one open file from another, whatever their names are.</summary>
public static class FileIdentity
{
    /// <summary>Device and inode: nobody else's while the file is open.</summary>
    public static string Of(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return FileStatus.NumbersOf((int)file.DangerousGetHandle()); // SAFETY: the caller keeps it open during the call
    }
}
