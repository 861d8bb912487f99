using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>
/// Files and directories that hold what is nobody else's business: environments, specs, images of processes. 0600 and 0700 from
/// the
/// moment they exist, whatever the umask says, also below directories that were there before.
/// </summary>
public static class PrivateFiles
{
    /// <summary>0600.</summary>
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0700.</summary>
    public const UnixFileMode DirectoryMode = FileMode | UnixFileMode.UserExecute;

    /// <summary>
    /// Makes a directory and all that is missing above it; <see cref="Directory.CreateDirectory(string, UnixFileMode)"/> gives
    /// its mode to the last one only.
    /// </summary>
    public static void MakeDirectory(string path)
    {
        if (Directory.Exists(path)) return;
        path = Path.TrimEndingDirectorySeparator(path);
        if (Path.GetDirectoryName(path) is { Length: > 0 } above) MakeDirectory(above);
        Directory.CreateDirectory(path, DirectoryMode);
    }

    /// <summary>Writes a file, in the place of one that is there.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        file.Write(content);
    }

    /// <summary>Writes a file of lines, in the place of one that is there.</summary>
    public static void WriteLines(string path, IEnumerable<string> lines)
    {
        using var writer = new StreamWriter(Create(path));
        foreach (var line in lines) writer.Write(line + "\n");
    }

    /// <summary>An empty file to write to, in the place of one that is there.</summary>
    public static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = System.IO.FileMode.Create, Access = FileAccess.Write, UnixCreateMode = FileMode,
    });

    /// <summary>
    /// A regular file of ours, made if it is missing, and narrowed to 0600 if an earlier version made it wider. A symbolic link
    /// is not
    /// followed: one that somebody planted would have us make, or change, a file elsewhere.
    /// </summary>
    /// <exception cref="SyscallException">It is a symbolic link (ELOOP), or cannot be opened.</exception>
    /// <exception cref="IOException">It is another user's, or no regular file; the message says what to do.</exception>
    public static Fd Claim(string path)
    {
        // O_NONBLOCK: nothing of a FIFO or a device that somebody put there is waited for.
        var file = Fd.Open(path,
            OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY,
            (uint)FileMode);
        try
        {
            var (mode, uid, _) = FileStatus.OwnerOf(file);
            if (!FileStatus.Of(file).IsRegular) throw new IOException($"{path}: is there and is no regular file; remove it");
            if (uid != CurrentUser.Uid)
                throw new IOException(
                $"{path}: belongs to user {uid}, not to user {CurrentUser.Uid}, who would use it; remove it");
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

    /// <summary>Whether the open file is the one that has this path now.</summary>
    public static bool IsAt(string path, Fd file)
    {
        using var there = Fd.TryOpen(path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        return there is not null && FileStatus.SameFile(there, file);
    }
}
