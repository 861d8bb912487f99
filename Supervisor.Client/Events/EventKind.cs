namespace Supervisor.Client.Events;

/// <summary>What happened to a process.</summary>
public enum EventKind
{
    /// <summary>Another event of a task, as <see cref="ProcessEvent.Topic"/> says; or, with an error, a gap.</summary>
    Unknown = 0,

    /// <summary>It exited.</summary>
    Exit,

    /// <summary>The kernel killed a process of the task because its memory limit was reached.</summary>
    Oom,

    /// <summary>A task was created.</summary>
    Create,

    /// <summary>A task was started.</summary>
    Start,

    /// <summary>An exec was created.</summary>
    ExecAdded,

    /// <summary>An exec was started.</summary>
    ExecStarted,

    /// <summary>A task was paused.</summary>
    Paused,

    /// <summary>A task was resumed.</summary>
    Resumed,
}
