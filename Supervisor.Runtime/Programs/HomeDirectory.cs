using System.Globalization;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// A user's home in a root filesystem's passwd(5). The file is untrusted: it is opened beneath one descriptor of the root and on
/// the root's own mount, read only if it is a regular file, and not more than <see cref="Largest"/> of it (CVE-2026-47262).
/// </summary>
/// <remarks>
/// From the directory on the host, never through /proc/PID/root: a file system of the container's own could block us forever.
/// </remarks>
internal static class HomeDirectory
{
    /// <summary>Bytes; a larger file counts as absent.</summary>
    public const int Largest = 1 << 20;

    /// <returns>Null where there is no such file, no such user, or no absolute path for the user.</returns>
    public static string? Of(string rootfs, uint uid) => Read(rootfs) is { } passwd ? Find(passwd, uid) : null;

    /// <summary>The home of the first entry with this id; entries that are malformed count as absent.</summary>
    internal static string? Find(string passwd, uint uid)
    {
        var id = uid.ToString(CultureInfo.InvariantCulture);
        foreach (var line in passwd.Split('\n'))
            if (line.TrimEnd('\r').Split(':') is [_, _, var number, _, _, var home, ..] && number == id)
                return home.StartsWith('/') && !home.Contains('\0') ? home : null;
        return null;
    }

    private static string? Read(string rootfs)
    {
        using var root = Fd.TryOpen(rootfs, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        if (root is null) return null;
        using var file = TryOpen(root);
        if (file is null || !FileStatus.Of(file).IsRegular) return null;
        var buffer = new byte[64 << 10];
        using var text = new MemoryStream();
        while (file.TryRead(buffer) is > 0 and var got)
        {
            text.Write(buffer, 0, got);
            if (text.Length > Largest) return null;
        }
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static Fd? TryOpen(Fd root)
    {
        try
        {
            return Openat2.TryOpen(
                root, "etc/passwd", OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY,
                    ResolveFlags.RESOLVE_IN_ROOT | ResolveFlags.RESOLVE_NO_XDEV);
        }
        catch (SyscallException)
        {
            return null; // it leads out of the root, or must not be read
        }
    }
}
