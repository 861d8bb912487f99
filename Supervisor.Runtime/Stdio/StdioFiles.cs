using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>Opens the targets that clients name for standard streams.</summary>
internal static class StdioFiles
{
    /// <summary>Opens an output that is not a log.</summary>
    /// <param name="blocking">False for our relay; true for a process, which expects writes to block.</param>
    /// <remarks>
    /// A FIFO is opened for reading too: while it has no reader a write does not get EPIPE, and up to a pipe's
    /// capacity waits for the next reader. fifo(7).
    /// </remarks>
    public static Fd OpenOutput(string target, string field, bool blocking)
    {
        if (target.Length == 0) return NullDevice.Open(OpenFlags.O_WRONLY);
        if (PipeTarget.Is(target)) return OpenPipe(PipeTarget.Parse(target, field).Path, field, blocking);
        var path = PathOf(target, field);
        if (IsFifo(path))
        {
            var fifo = Open(path, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, field);
            if (blocking) SetBlocking(fifo, true);
            return fifo;
        }
        if (!File.Exists(path)) throw new InvalidStdioException(field, $"\"{path}\": no such FIFO or file");
        return Open(path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | (blocking ? OpenFlags.O_RDONLY : OpenFlags.O_NONBLOCK),
            field);
    }

    // Write-only, so that its writers get SIGPIPE or EPIPE once the reader is gone.
    private static Fd OpenPipe(string path, string field, bool blocking)
    {
        if (!IsFifo(path)) throw new InvalidStdioException(field, $"\"{path}\" is not a FIFO");
        var fifo = Open(path, OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK, field); // ENXIO: it has no reader
        if (blocking) SetBlocking(fifo, true);
        return fifo;
    }

    /// <summary>Opens a FIFO to read from, without waiting for its writer.</summary>
    /// <remarks>
    /// It is opened for writing too: its writers may come and go, e.g. when dockerd restarts, and only CloseIO ends the input,
    /// as in containerd. The input of a <see cref="PipeTarget"/> ends with its writers.
    /// </remarks>
    public static Fd OpenInput(string target)
    {
        const string field = "stdin";
        if (PipeTarget.Is(target)) return OpenFifo(PipeTarget.Parse(target, field).Path, OpenFlags.O_RDONLY);
        return LogTarget.Is(target)
            ? throw new InvalidStdioException(field, $"\"{target}\" is not a FIFO")
            : OpenFifo(PathOf(target, field), OpenFlags.O_RDWR);

        static Fd OpenFifo(string path, OpenFlags access) => IsFifo(path)
            ? Open(path, access | OpenFlags.O_NONBLOCK, field)
            : throw new InvalidStdioException(field, $"\"{path}\" is not a FIFO");
    }

    /// <summary>Changes a stream's owner to the process's user, which could not reopen /dev/stdout otherwise.</summary>
    /// <remarks>Never of the null device: it is the host's, and its owner could deny it to all others.</remarks>
    public static void GiveTo(Fd stream, uint uid, uint gid)
    {
        if (uid != 0 && !FileStatus.Of(stream).IsCharacterDevice(1, 3))
            _ = fchown(stream.Number, uid, gid); // a read-only or network filesystem may refuse; the stream works without
    }

    private static string PathOf(string path, string field)
    {
        if (path.Contains("://", StringComparison.Ordinal))
            throw new InvalidStdioException(field, $"\"{path}\": only FIFO paths, pipe:// and file:// are supported");
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            throw new InvalidStdioException(field, $"\"{path}\" is not an absolute path");
        return path;
    }

    private static Fd Open(string path, OpenFlags flags, string field)
    {
        try
        {
            return Fd.Open(path, flags, 0x180 /* 0600 */);
        }
        catch (SyscallException e)
        {
            throw new InvalidStdioException(field, e.Message);
        }
    }

    private static bool IsFifo(string path)
    {
        using var place = Fd.TryOpen(path, OpenFlags.O_PATH);
        return place is not null && FileStatus.Of(place).IsFifo;
    }

    /// <summary>Only for a descriptor that we do not share: the flag is of the open file description.</summary>
    public static void SetNonBlocking(Fd fd) => SetBlocking(fd, false);

    private static void SetBlocking(Fd fd, bool blocking)
    {
        var flags = fcntl(fd.Number, F_GETFL, 0);
        var wanted = blocking ? flags & ~(int)OpenFlags.O_NONBLOCK : flags | (int)OpenFlags.O_NONBLOCK;
        if (flags < 0 || fcntl(fd.Number, F_SETFL, wanted) != 0) throw new SyscallException("fcntl(F_SETFL)", Errno.Last);
    }
}
