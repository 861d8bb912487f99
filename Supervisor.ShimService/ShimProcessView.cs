using Supervisor.Runtime.ShimClient;

namespace Supervisor.ShimService;

/// <summary>A process of the container, as the shim reported it.</summary>
internal sealed record ShimProcessView(
    string Key, int Pid, ulong StartTime, bool IsExec, bool Terminal, string Bundle,
    IReadOnlyDictionary<string, string> CgroupPaths, byte[] Spec)
{
    /// <summary>Its init waits for its start.</summary>
    public bool IsHeld { get; init; }

    /// <summary>Null while it runs.</summary>
    public ExitRecord? Exit { get; init; }

    /// <summary>A client has collected its exit.</summary>
    public bool IsDeleted { get; init; }
}
