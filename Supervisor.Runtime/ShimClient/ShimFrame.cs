namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// The kind of a message. Values never change. A peer ignores an unknown kind, or replies <see cref="Failed"/> if the message
/// has a number.
/// </summary>
internal enum ShimKind : byte
{
    // Either side, first.
    Hello = 1,

    // Daemon to shim; the reply is Done, Spawned or Failed.
    Create = 10,
    Start = 11,
    Exec = 12,
    CloseInput = 13,
    Resize = 14,
    End = 15,
    Adopt = 16,
    Upgrade = 17,
    Checkpoint = 18,
    Restore = 19,

    // Front to shim, besides those above; the reply is Done or Failed. Leave ends a shim without a daemon.
    Freeze = 20,
    Thaw = 21,
    Signal = 22,
    Delete = 23,

    // Daemon to shim, without a reply.
    Collected = 30,
    Leave = 31,

    // Shim to daemon, replies.
    Done = 50,
    Spawned = 51,
    Failed = 52,

    // Shim to daemon, notifications; Frozen and Thawed also from the daemon, which freezes cgroups itself.
    Listed = 70,
    ListEnd = 71,
    Exited = 72,
    OutOfMemory = 73,
    InputEnded = 74,
    Started = 75,
    Frozen = 76,
    Thawed = 77,
    Deleted = 78,
}

/// <summary>
/// The wire protocol between a daemon and its shim:
/// <code>
///   daemon                                      shim (a SEQPACKET socket, 0600 in a 0700 directory; both check the peer's uid)
///     │── Hello {newest, oldest} ─────────────────▶
///     │◀──────────── Hello {newest, oldest, pid} ──│   the lower newest counts; neither may be below the other's oldest
///     │◀── Listed {process, exit} + descriptors ───│   every process, then the exits that are not collected
///     │◀──────────────────────────────── ListEnd ──│
///     │── request {number, …} + descriptors ──────▶│   one at a time for each key, different keys in parallel
///     │◀── reply {number, …} + descriptors ────────│   in any order
///     │◀── Exited, OutOfMemory, InputEnded ────────│
///     │── Collected {key, pid, start time} ───────▶│   the exit is journalled: the shim may forget it
///     │◀── Listed, Started, Frozen, Thawed, Deleted│   what a client of the Shim service did
///     │── Frozen, Thawed {key} ───────────────────▶│   what we did: for clients of the Shim service
/// </code>
/// A container's front (<see cref="FrontArguments"/>) speaks the same over a socket pair, and is shown its container alone.
/// A message has at most <see cref="Kernel.Sockets.PacketSocket.MaximumMessage"/> bytes; a spec travels in a sealed memfd.
/// </summary>
internal static class ShimFrame
{
    /// <summary>The newest version that this code speaks.</summary>
    public const int Newest = 2;

    /// <summary>The first version in which a process has logs.</summary>
    public const int WithLogs = 2;

    /// <summary>The oldest version that it still speaks: at least the one before <see cref="Newest"/>.</summary>
    public const int Oldest = 1;

    public static MessageWriter Begin(ShimKind kind, long number = 0) => new MessageWriter().U8((byte)kind).I64(number);

    public static MessageWriter Hello(int newest, int oldest, int pid = 0) =>
        Begin(ShimKind.Hello).I32(newest).I32(oldest).I32(pid);

    /// <returns>The version that both speak.</returns>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static int Negotiate(int newest, int oldest) =>
        Math.Min(newest, Newest) is var version && version >= Math.Max(oldest, Oldest)
        ? version
        : throw new InvalidDataException(
            $"the peer speaks versions {oldest} to {newest} of the shim protocol, this side {Oldest} to {Newest}");
}
