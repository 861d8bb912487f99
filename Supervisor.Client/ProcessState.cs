namespace Supervisor.Client;

/// <summary>The states of a process, as containerd names them.</summary>
public enum ProcessState
{
    /// <summary>The daemon does not know.</summary>
    Unknown = 0,

    /// <summary>Created, and not started yet.</summary>
    Created = 1,

    /// <summary>Started.</summary>
    Running = 2,

    /// <summary>Exited, and not deleted yet.</summary>
    Stopped = 3,

    /// <summary>Frozen.</summary>
    Paused = 4,

    /// <summary>Being frozen.</summary>
    Pausing = 5,
}
