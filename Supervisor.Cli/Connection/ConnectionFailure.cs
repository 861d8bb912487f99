using System.Net.Sockets;
using Grpc.Core;

namespace Supervisor.Cli.Connection;

/// <summary>Failures to connect to the daemon's socket.</summary>
internal static class ConnectionFailure
{
    /// <summary>Why there was no connection; null if the daemon has answered.</summary>
    public static SocketException? Of(RpcException e)
    {
        for (Exception? cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
                return e.StatusCode is StatusCode.Unavailable
                    && socket.SocketErrorCode is not (SocketError.ConnectionReset or SocketError.Shutdown) ? socket : null;
        }
        return null;
    }

    /// <summary>The error for a user who may not open the socket.</summary>
    public static string NoPermission(string address) =>
        $"permission denied at {address}: only its owner may use the daemon's socket, and a group if \"supervisor serve "
            + "--group\" names one: use sudo, or join that group";
}
