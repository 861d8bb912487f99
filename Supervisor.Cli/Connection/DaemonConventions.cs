using Google.Protobuf.WellKnownTypes;
using Supervisor.Client.Events;

namespace Supervisor.Cli.Connection;

/// <summary>
/// What a Supervisor daemon and its clients agree on besides the protocol. A test compares them with the daemon's.
/// </summary>
internal static class DaemonConventions
{
    /// <summary>The label of a container that the daemon removes once it has exited: after this many seconds.</summary>
    public const string RemoveAfterLabel = "supervisor.io/remove-after";

    /// <summary>The header of an exec that the daemon deletes once it has exited: after this many seconds.</summary>
    public const string ExecRemoveAfterHeader = "supervisor-remove-after";

    /// <summary>The header of a task's creation: a file, in a directory of the client's FIFOs, for the calls of its
    /// launch.</summary>
    public const string TraceHeader = "supervisor-trace";

    /// <summary>The extension that holds the mounts of a container's root filesystem.</summary>
    public const string RootfsExtension = "supervisor.io/rootfs";

    /// <summary>The header with the number of the event after the last one.</summary>
    public const string NextEventHeader = EventSource.NextHeader;

    /// <summary>The detail of the status when the daemon stops.</summary>
    public const string Stopping = "the daemon is stopping";

    /// <summary>Go's zero time, which containerd sends for what has not happened: the first second of year 1.</summary>
    public static readonly Timestamp Never = new() { Seconds = -62135596800 };
}
