using System.Text;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>
/// Files and directories with private contents: environments, specs, process images. Created with 0600 and 0700, whatever the
/// umask, also below existing directories.
/// </summary>
public static class PrivateFiles
{
    /// <summary>0600.</summary>
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0700.</summary>
    public const UnixFileMode DirectoryMode = FileMode | UnixFileMode.UserExecute;

    /// <summary>
    /// Makes a directory and its missing parents; <see cref="Directory.CreateDirectory(string, UnixFileMode)"/> gives its mode to
    /// the last one only.
    /// </summary>
    public static void MakeDirectory(string path)
    {
        if (Directory.Exists(path)) return;
        path = Path.TrimEndingDirectorySeparator(path);
        if (Path.GetDirectoryName(path) is { Length: > 0 } above) MakeDirectory(above);
        Directory.CreateDirectory(path, DirectoryMode);
    }

    /// <summary>Writes a file, replacing an existing one.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = Fd.Open(
            path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC | OpenFlags.O_NOCTTY, (uint)FileMode);
        file.Write(content);
    }

    /// <summary>Writes a file of lines, replacing an existing one.</summary>
    public static void WriteLines(string path, IEnumerable<string> lines) =>
        Write(path, Encoding.UTF8.GetBytes(string.Concat(lines.Select(l => l + "\n"))));

    /// <summary>An empty file to write to, replacing an existing one.</summary>
    public static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = System.IO.FileMode.Create, Access = FileAccess.Write, UnixCreateMode = FileMode,
    });

    /// <summary>
    /// A regular file of our user, created if it is missing, and narrowed to 0600 if an earlier version made it wider. A symbolic
    /// link is not followed: an attacker's would make us create or change a file elsewhere.
    /// </summary>
    /// <exception cref="SyscallException">It is a symbolic link (ELOOP), or cannot be opened.</exception>
    /// <exception cref="IOException">It is another user's, or is not a regular file; the message says what to do.</exception>
    public static Fd Claim(string path)
    {
        // O_NONBLOCK: opening a planted FIFO or device must not block.
        var file = Fd.Open(path,
            OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY,
            (uint)FileMode);
        try
        {
            var (mode, uid, _) = FileStatus.OwnerOf(file);
            if (!FileStatus.Of(file).IsRegular) throw new IOException($"{path}: not a regular file; remove it");
            if (uid != CurrentUser.Uid)
                throw new IOException(
                $"{path}: is owned by user {uid}, not by user {CurrentUser.Uid}; remove it");
            if ((mode & 0x3f) != 0) ChangeMode(file, (uint)FileMode, path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>fchmod(2).</summary>
    /// <param name="path">For the message.</param>
    public static void ChangeMode(Fd fd, uint mode, string path)
    {
        ArgumentNullException.ThrowIfNull(fd);
        using var held = new HeldHandle(fd);
        if (Tmds.Linux.LibC.fchmod(held.Number, (ushort)mode) != 0) throw new SyscallException("fchmod", Errno.Last, path);
    }

    /// <summary>Whether the open file is still the one at this path.</summary>
    public static bool IsAt(string path, Fd file)
    {
        using var there = Fd.TryOpen(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        return there is not null && FileStatus.SameFile(there, file);
    }
}
