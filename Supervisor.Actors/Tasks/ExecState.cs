namespace Supervisor.Actors.Tasks;

/// <summary>What an exec was added with.</summary>
/// <param name="Process">The OCI process's JSON.</param>
public sealed record ExecSetup(StdioPaths Stdio, ReadOnlyMemory<byte> Process)
{
    /// <summary>How long after its exit the daemon deletes it, if no client has; null: with its task.</summary>
    public TimeSpan? RemoveAfter { get; init; }
}

/// <summary>The state of an exec. Each state carries only what is valid in it.</summary>
public abstract record ExecState
{
    /// <summary>There is no exec.</summary>
    public sealed record Absent : ExecState, IAbsent;

    /// <summary>An exec that exists.</summary>
    public abstract record Present(ExecSetup Setup) : ExecState;

    /// <summary>Its process exists, or existed.</summary>
    public abstract record WithProcess(ExecSetup Setup, InitProcess Process) : Present(Setup);

    /// <summary>It was added; nothing runs. A failed start returns here.</summary>
    public sealed record Added(ExecSetup Setup) : Present(Setup);

    /// <summary>The process is being spawned.</summary>
    public sealed record Starting(ExecSetup Setup) : Present(Setup), IPending;

    /// <summary>The process was spawned, and is being released to run its program.</summary>
    public sealed record Held(ExecSetup Setup, InitProcess Process) : WithProcess(Setup, Process), IPending;

    /// <summary>The program runs.</summary>
    public sealed record Running(ExecSetup Setup, InitProcess Process) : WithProcess(Setup, Process);

    /// <summary>It exited; a delete collects its exit.</summary>
    public sealed record Stopped(ExecSetup Setup, InitProcess Process, TaskExit Exit) : WithProcess(Setup, Process);
}
