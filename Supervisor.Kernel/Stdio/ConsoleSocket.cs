using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Stdio;

/// <summary>Hands a terminal's master to whoever listens at a unix socket: <c>--console-socket</c> of OCI runtimes.</summary>
public static class ConsoleSocket
{
    /// <summary>Sends it, with its name, as runc does. It stays the caller's to close.</summary>
    /// <exception cref="SyscallException">Nothing listens there, or any other errno.</exception>
    public static void Send(string path, Fd master)
    {
        using var socket = StreamSocket.TryConnect(path)
            ?? throw new SyscallException("connect", Abi.Errno.ECONNREFUSED, $"console socket {path}");
        socket.SendDescriptor(master, "/dev/ptmx"u8);
    }
}
