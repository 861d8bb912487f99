namespace Supervisor.Client.Events;

/// <summary>Something that happened to a process.</summary>
public sealed record ProcessEvent
{
    /// <summary>What.</summary>
    public required EventKind Kind { get; init; }

    /// <summary>Empty for a gap, and for topics that this library does not know.</summary>
    public string ContainerId { get; init; } = "";

    /// <summary>The exec's id; that of the container for its first process.</summary>
    public string ProcessId { get; init; } = "";

    /// <summary>In the daemon's pid namespace; 0 where the event has none.</summary>
    public int Pid { get; init; }

    /// <summary>Of an exit: the code, or 128 + N for signal N.</summary>
    public int ExitCode { get; init; }

    /// <summary>Of an exit; null otherwise.</summary>
    public DateTimeOffset? ExitedAt { get; init; }

    /// <summary>
    /// Null, or why events may be missing before this one, which is <see cref="EventKind.Unknown"/> then: read the states of what
    /// matters again.
    /// </summary>
    public string? Error { get; init; }

    /// <summary>When it was published.</summary>
    public DateTimeOffset Timestamp { get; init; }

    /// <summary>containerd's name, e.g. /tasks/exit; empty for a gap.</summary>
    public string Topic { get; init; } = "";

    /// <summary>Of a Supervisor daemon's event: strictly increasing, with gaps. 0 for containerd's.</summary>
    public long Number { get; init; }
}
