using Supervisor.Kernel;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.Stdio;

/// <summary>Sends a terminal's master to the listener of a unix socket: <c>--console-socket</c> of OCI runtimes.</summary>
public static class ConsoleSocket
{
    /// <summary>Sends it, with its name, as runc does. The caller still closes its own.</summary>
    /// <exception cref="SyscallException">Nothing listens there, or any other errno.</exception>
    public static void Send(string path, Fd master) => Send("console socket", path, master, "/dev/ptmx"u8);

    /// <summary>Sends a process's pidfd likewise: <c>--pidfd-socket</c>.</summary>
    /// <exception cref="SyscallException">Nothing listens there, or any other errno.</exception>
    public static void SendPidfd(string path, int pidfd)
    {
        using var copy = Fd.DuplicateOf(pidfd);
        Send("pidfd socket", path, copy, "pidfd"u8);
    }

    private static void Send(string what, string path, Fd fd, ReadOnlySpan<byte> name)
    {
        using var socket = Connect(what, path);
        socket.SendDescriptor(fd, name);
    }

    private static StreamSocket Connect(string what, string path)
    {
        try
        {
            return StreamSocket.Connect(path);
        }
        catch (SyscallException e)
        {
            throw new SyscallException("connect", e.Errno, $"{what} {path}");
        }
    }
}
