using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>Connects unix sockets whose descriptors are passed to a child. unix(7).</summary>
internal static unsafe class UnixSocket
{
    /// <exception cref="SyscallException">No process listens at the path, or it is longer than a socket's address
    /// (ENAMETOOLONG).</exception>
    public static Fd Connect(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > 107) throw new SyscallException("connect", Errno.ENAMETOOLONG, path);
        var number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (number < 0) throw new SyscallException("socket", Errno.Last);
        var fd = new Fd(number);
        var address = new sockaddr_un { sun_family = AF_UNIX };
        bytes.CopyTo(new Span<byte>(address.sun_path, 108));
        if (connect(number, (sockaddr*)&address, 2 + bytes.Length + 1) == 0) return fd;
        var errno = Errno.Last;
        fd.Dispose();
        throw new SyscallException("connect", errno, path);
    }
}
