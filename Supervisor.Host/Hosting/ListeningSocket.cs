using System.Net.Sockets;
using System.Runtime.InteropServices;
using Supervisor.Host.Daemon;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Host.Hosting;

/// <summary>The daemon's unix socket: in a directory of its owner, mode 0600 before any client can connect to it.</summary>
internal static class ListeningSocket
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode WithGroup = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const int PathLimit = 107; // sun_path less its terminating zero, unix(7)

    /// <summary>Removes a socket on which no daemon answers.</summary>
    /// <exception cref="DaemonStartException">A daemon answers, or it is not a socket, or the path is too long.</exception>
    public static void RemoveStale(string address)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(address) > PathLimit)
            throw new DaemonStartException($"{address}: longer than the {PathLimit} bytes that a unix socket's path may have");
        switch (FileKind.Of(address))
        {
            case null: return;
            case not FileKind.Socket:
                throw new DaemonStartException($"{address}: exists and is not a socket; remove it, or listen elsewhere");
        }
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(address));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            File.Delete(address);
            return;
        }
        catch (SocketException e)
        {
            throw new DaemonStartException($"{address}: cannot tell whether a daemon answers there: {e.Message}", e);
        }
        throw new DaemonStartException($"{address}: a daemon answers there already; stop it, or listen elsewhere");
    }

    /// <summary>
    /// Binds but does not listen yet: until then a connection is refused, so no client meets a mode that is too wide.
    /// </summary>
    public static Socket Bind(string address, uint? group)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(address));
            if (group is { } id) GiveTo(address, id);
            File.SetUnixFileMode(address, group is null ? OwnerOnly : WithGroup);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The group may connect, and pass through the directory without reading it.</summary>
    private static unsafe void GiveTo(string address, uint group)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(address))!;
        PrivateDirectory.AllowTraversal(directory, group);
        fixed (byte* text = CString.Of(address))
            if (lchown(text, uint.MaxValue, group) == 0) return;
        throw new DaemonStartException($"{address}: chown to group {group}: {Marshal.GetPInvokeErrorMessage((int)Errno.Last)}");
    }
}
