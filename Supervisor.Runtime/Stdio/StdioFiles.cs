using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>Opening what the clients' words for standard streams mean.</summary>
internal static class StdioFiles
{
    /// <summary>A stream to write to, which is no log.</summary>
    /// <param name="blocking">False for a relay of ours; true for a process, which expects writes to wait.</param>
    /// <remarks>
    /// A FIFO is opened for reading too: while its reader comes and goes nobody gets EPIPE, and up to a pipe's
    /// capacity waits for the next reader. fifo(7).
    /// </remarks>
    public static Fd OpenOutput(string target, string field, bool blocking)
    {
        if (target.Length == 0) return Fd.Open("/dev/null", OpenFlags.O_WRONLY);
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

    // For writing only: so its writers get SIGPIPE or EPIPE once the reader has gone.
    private static Fd OpenPipe(string path, string field, bool blocking)
    {
        if (!IsFifo(path)) throw new InvalidStdioException(field, $"\"{path}\" is not a FIFO");
        var fifo = Open(path, OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK, field); // ENXIO: nobody has it open for reading
        if (blocking) SetBlocking(fifo, true);
        return fifo;
    }

    /// <summary>A FIFO to read from, without waiting for its writer.</summary>
    /// <remarks>
    /// It is opened for writing too: its writers may come and go, dockerd with a restart for instance, and only CloseIO ends the
    /// input,
    /// as in containerd. That of a <see cref="PipeTarget"/> ends with its writers.
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

    /// <summary>Gives a stream to the user that the process runs as, who could not reopen /dev/stdout otherwise.</summary>
    /// <remarks>Never the null device: it is the whole host's, and its owner may take it from everybody else.</remarks>
    public static void GiveTo(Fd stream, uint uid, uint gid)
    {
        if (uid != 0 && !FileStatus.Of(stream).IsCharacterDevice(1, 3))
            _ = fchown(stream.Number, uid, gid); // a read-only or foreign filesystem may refuse; the stream works all the same
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

    /// <summary>For a descriptor that only we use: the flag belongs to the open file.</summary>
    public static void SetNonBlocking(Fd fd) => SetBlocking(fd, false);

    private static void SetBlocking(Fd fd, bool blocking)
    {
        var flags = fcntl(fd.Number, F_GETFL, 0);
        var wanted = blocking ? flags & ~(int)OpenFlags.O_NONBLOCK : flags | (int)OpenFlags.O_NONBLOCK;
        if (flags < 0 || fcntl(fd.Number, F_SETFL, wanted) != 0) throw new SyscallException("fcntl(F_SETFL)", Errno.Last);
    }
}
