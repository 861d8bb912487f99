using System.ComponentModel;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Supervisor.Client.Errors;

namespace Supervisor.Client.Stdio;

/// <summary>Named pipes, as fifo(7) has them and .NET does not. Opening one never waits for its other end.</summary>
internal static partial class Fifo
{
    // The same numbers on x64 and arm64 (asm-generic/fcntl.h, asm-generic/errno-base.h).
    private const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const int LOCK_EX = 2, LOCK_NB = 4;
    private const int EINTR = 4, ENXIO = 6, EAGAIN = 11;

    /// <summary>Creates one that only its owner may open.</summary>
    public static void Create(string path)
    {
        if (mkfifo(path, 0x180 /* 0600 */) != 0) throw Failed("mkfifo", path);
    }

    /// <summary>Keeps a FIFO open for both ends: its readers and writers may come in any order.</summary>
    public static SafeFileHandle Keep(string path) =>
        new(TryOpen(path, O_RDWR) ?? throw Failed("open", path), ownsHandle: true);

    /// <summary>The reading end, locked (flock(2)) until it is closed.</summary>
    /// <exception cref="ClientException">FailedPrecondition: another client reads, or it is no FIFO.</exception>
    public static Stream OpenForReading(string path) =>
        Lock(path, TryOpen(path, O_RDONLY) ?? throw Failed("open", path), PipeDirection.In);

    /// <summary>The writing end, locked (flock(2)) until it is closed.</summary>
    /// <returns>Null when no process has it open for reading any more (ENXIO).</returns>
    /// <exception cref="ClientException">FailedPrecondition: another client writes, or it is no FIFO.</exception>
    public static Stream? TryOpenForWriting(string path)
    {
        if (TryOpen(path, O_WRONLY) is { } writing) return Lock(path, writing, PipeDirection.Out);
        return Marshal.GetLastPInvokeError() == ENXIO ? null : throw Failed("open", path);
    }

    /// <summary>
    /// The lock is on the FIFO's inode: it holds between processes and for FIFOs that others made, and the kernel releases it
    /// when its holder is killed.
    /// </summary>
    private static AnonymousPipeClientStream Lock(string path, int opened, PipeDirection direction)
    {
        var handle = new SafePipeHandle(opened, ownsHandle: true);
        try
        {
            if (flock(opened, LOCK_EX | LOCK_NB) == 0) return new AnonymousPipeClientStream(direction, handle);
            throw Marshal.GetLastPInvokeError() == EAGAIN
                ? new ClientException(ErrorCode.FailedPrecondition,
                    $"{path} is attached to another client: a task has one reader; detach that one first")
                : Failed("flock", path);
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            handle.Dispose();
            throw new ClientException(ErrorCode.FailedPrecondition, $"{path} is not a FIFO: it cannot be attached", e);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static int? TryOpen(string path, int flags)
    {
        int opened;
        do opened = open(path, flags | O_NONBLOCK | O_CLOEXEC);
        while (opened < 0 && Marshal.GetLastPInvokeError() == EINTR);
        return opened < 0 ? null : opened;
    }

    private static ClientException Failed(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        var code = error switch { 2 => ErrorCode.NotFound, 13 => ErrorCode.PermissionDenied, _ => ErrorCode.Unknown };
        return new ClientException(
            code, $"{call} \"{path}\": {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", new Win32Exception(error));
    }

    [LibraryImport("libc.so.6", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc.so.6", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc.so.6", SetLastError = true)]
    private static partial int flock(int file, int operation);
}
