namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// What a message is. Numbers are for ever; a peer ignores a kind that it does not know, and answers it with <see cref="Failed"/>
/// if it has a number.
/// </summary>
internal enum ShimKind : byte
{
    // Either side, first.
    Hello = 1,

    // Daemon to shim, each answered with Done, Spawned or Failed.
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

    // Daemon to shim, not answered.
    Collected = 30,
    Leave = 31,

    // Shim to daemon, answers.
    Done = 50,
    Spawned = 51,
    Failed = 52,

    // Shim to daemon, unasked.
    Listed = 70,
    ListEnd = 71,
    Exited = 72,
    OutOfMemory = 73,
    InputEnded = 74,
}

/// <summary>
/// The talk between a daemon and its shim:
/// <code>
///   daemon                                      shim (a SEQPACKET socket, 0600 in a 0700 directory; both check the peer's uid)
///     │── Hello {newest, oldest} ─────────────────▶
///     │◀──────────── Hello {newest, oldest, pid} ──│   the lower newest counts; neither may be below the other's oldest
///     │◀── Listed {process, its end} + descriptors │   every process, then the ends that nobody has collected
///     │◀──────────────────────────────── ListEnd ──│
///     │── request {number, …} + descriptors ──────▶│   at most one of a key runs at a time, those of others beside it
///     │◀── answer {number, …} + descriptors ───────│   in any order
///     │◀── Exited, OutOfMemory, InputEnded ────────│
///     │── Collected {key, pid, start time} ───────▶│   the exit is journalled: it may be forgotten
/// </code>
/// A message has at most <see cref="Kernel.Sockets.PacketSocket.MaximumMessage"/> bytes; a spec travels in a sealed memfd.
/// </summary>
internal static class ShimFrame
{
    /// <summary>The version that this code speaks.</summary>
    public const int Newest = 2;

    /// <summary>From this version on a process has logs.</summary>
    public const int WithLogs = 2;

    /// <summary>The oldest that it still speaks: the one before <see cref="Newest"/> at least.</summary>
    public const int Oldest = 1;

    public static MessageWriter Begin(ShimKind kind, long number = 0) => new MessageWriter().U8((byte)kind).I64(number);

    public static MessageWriter Hello(int newest, int oldest, int pid = 0) =>
        Begin(ShimKind.Hello).I32(newest).I32(oldest).I32(pid);

    /// <returns>The version that both speak.</returns>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static int Agree(int newest, int oldest) =>
        Math.Min(newest, Newest) is var version && version >= Math.Max(oldest, Oldest)
        ? version
        : throw new InvalidDataException(
            $"the other side speaks the versions {oldest} to {newest} of the shim's protocol, this side {Oldest} to {Newest}");
}
