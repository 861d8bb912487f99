namespace Supervisor.Runtime.ShimClient;

/// <summary>What a client of the Shim service did with a process.</summary>
[Flags]
internal enum ServiceMarks
{
    None = 0,

    /// <summary>It is an exec that the client started: the shim keeps its exit until the client deletes it.</summary>
    Exec = 1,

    /// <summary>It is an init that the client started.</summary>
    Started = 2,

    /// <summary>The client collected its exit.</summary>
    Deleted = 4,
}
