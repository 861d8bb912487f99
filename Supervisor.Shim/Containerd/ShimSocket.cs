using System.Security.Cryptography;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Shim.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// The socket of a shim: where runc's shim has it, so that <c>ctr shim</c> finds it. Mode 0600, in a directory of root's alone.
/// </summary>
internal static class ShimSocket
{
    /// <summary>Fixed in containerd, whatever its state directory is.</summary>
    private const string Parent = "/run/containerd", Directory = Parent + "/s";

    /// <param name="address">containerd's gRPC socket.</param>
    /// <param name="group">The container's id, or its pod's.</param>
    public static string PathOf(string address, string @namespace, string group) => Path.Join(
        Directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{address}/{@namespace}/{group}"))));

    /// <summary>Listens, unless a shim does already. Two of these calls never run at the same time.</summary>
    /// <param name="whileLocked">Called with the listener, or null where another shim serves there.</param>
    /// <exception cref="IOException">The directory is not safe, or locked for too long.</exception>
    public static void Claim(string path, Action<Fd?> whileLocked)
    {
        MakeDirectory();
        using var directory = Fd.Open(Directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
        var (mode, uid, _) = FileStatus.OwnerOf(directory);
        if (uid != CurrentUser.Uid || (mode & 0x12 /* 0022 */) != 0)
            throw new IOException($"{Directory}: others than user {CurrentUser.Uid} can put sockets there; chmod 0700 it");
        using var one = DirectoryLock.TryTake(Directory) ?? throw new IOException($"{Directory}: it was removed; try again");
        using (var other = UnixSocket.TryConnect(SOCK_STREAM | SOCK_NONBLOCK, path))
        {
            if (other is not null)
            {
                whileLocked(null);
                return;
            }
        }
        File.Delete(path); // of a shim that was killed
        using var listener = UnixSocket.Listen(SOCK_STREAM | SOCK_NONBLOCK, path, 64);
        try
        {
            whileLocked(listener);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Removes the socket of a shim that was killed. One that is served stays.</summary>
    public static void RemoveDead(string path)
    {
        if (Path.GetDirectoryName(path) != Directory || !File.Exists(path)) return;
        using var one = DirectoryLock.TryTake(Directory);
        using var other = UnixSocket.TryConnect(SOCK_STREAM | SOCK_NONBLOCK, path);
        if (other is null) File.Delete(path);
    }

    private static void MakeDirectory()
    {
        if (System.IO.Directory.Exists(Directory)) return;
        const UnixFileMode containerds = PrivateFiles.DirectoryMode | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        System.IO.Directory.CreateDirectory(Parent, containerds); // 0711: containers of user namespaces pass through it
        System.IO.Directory.CreateDirectory(Directory, PrivateFiles.DirectoryMode);
    }
}
