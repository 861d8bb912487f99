using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>
/// struct sockaddr_un. A path that is too long is addressed through a descriptor of its directory (proc(5), /proc/self/fd), which
/// stays open until this is disposed of. A leading NUL makes an abstract address. unix(7).
/// </summary>
internal sealed class UnixAddress : IDisposable
{
    private readonly Fd? _directory;

    /// <exception cref="SyscallException">The directory cannot be opened, or the last name alone is too long
    /// (ENAMETOOLONG).</exception>
    public UnixAddress(string path)
    {
        var place = path;
        if (Encoding.UTF8.GetByteCount(path) > UnixSocket.LongestPath && Path.GetDirectoryName(path) is { Length: > 0 } above)
        {
            _directory = Fd.Open(above, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
            place = $"/proc/self/fd/{_directory.Number}/{Path.GetFileName(path)}";
        }
        Bytes = [(byte)AF_UNIX, 0, .. Encoding.UTF8.GetBytes(place)]; // without a final NUL, which the kernel adds to a path
        if (Bytes.Length is > 2 and <= 2 + UnixSocket.LongestPath) return;
        Dispose();
        throw new SyscallException("socket address", Errno.ENAMETOOLONG, path);
    }

    public byte[] Bytes { get; }

    public void Dispose() => _directory?.Dispose();
}
