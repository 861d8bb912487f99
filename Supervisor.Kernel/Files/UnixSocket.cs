using System.Runtime.InteropServices;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Files;

/// <summary>Connections to unix sockets whose descriptors are handed to a child. unix(7).</summary>
internal static unsafe partial class UnixSocket
{
    private const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 0x80000;

    /// <exception cref="InvalidSpecException">Nobody listens at the path.</exception>
    public static Fd Connect(string path, string field)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > 107) throw new InvalidSpecException(field, $"\"{path}\" has more than 107 bytes, which a socket's path may have");
        var number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (number < 0) throw new SyscallException("socket", Errno.Last);
        var fd = new Fd(number);
        var address = stackalloc byte[110];
        new Span<byte>(address, 110).Clear();
        address[0] = AF_UNIX;
        bytes.CopyTo(new Span<byte>(address + 2, 108));
        if (connect(number, address, (uint)(2 + bytes.Length + 1)) == 0) return fd;
        var errno = Errno.Last;
        fd.Dispose();
        throw new InvalidSpecException(field, $"\"{path}\" cannot be connected to: {errno}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, byte* address, uint length);
}
