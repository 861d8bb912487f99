using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Services;

/// <summary>The header by which a client asks for the system calls of a launch: <c>run --trace</c>.</summary>
public sealed class LaunchTraces(DaemonOptions options)
{
    /// <summary>
    /// Its value is a file that the client has made in its directory of FIFOs, which lines are appended to.
    /// </summary>
    public const string Header = "supervisor-trace";

    /// <returns>The file; null where none is asked for.</returns>
    /// <exception cref="InvalidFieldException">It is elsewhere, or is not there.</exception>
    internal string? Requested(ServerCallContext context, ContainerId id)
    {
        if (context.RequestHeaders.GetValue(Header) is not { } path) return null;
        var place = Path.Join(Path.GetFullPath(options.State), "fifo", id.Namespace, id.Value) + "/";
        return Path.IsPathRooted(path) && Path.GetFullPath(path) == path && path.StartsWith(place, StringComparison.Ordinal)
            && File.Exists(path)
            ? path
            : throw new InvalidFieldException($"header {Header}", $"\"{path}\" is not a file below {place}");
    }
}
