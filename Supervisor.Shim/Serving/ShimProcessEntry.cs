using Supervisor.Kernel.Files;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using Supervisor.Shim.Fronts;

namespace Supervisor.Shim.Serving;

/// <summary>
/// One process that is our child, or was a previous shim's: a container's init, or another of its processes.
/// </summary>
internal sealed class ShimProcessEntry(string key, string? container, ContainerProcess process) : IDisposable
{
    // Of the init only: an exec's exit unmounts nothing.
    private Fd? _mounts = (process as Container)?.HoldMounts();

    public string Key => key;

    /// <summary>Of an exec: its container's key.</summary>
    public string? ContainerKey => container;

    public ContainerProcess Child => process;

    public Container? Container => process as Container;

    /// <summary>Its exit; null while it runs.</summary>
    public ExitRecord? Exit { get; set; }

    /// <summary>Whether its exit was reported, which happens after its output has been passed on.</summary>
    public bool Reported { get; set; }

    /// <summary>What a client of its Shim service did.</summary>
    public ServiceMarks Marks { get; set; }

    /// <summary>Of an exec of the Shim service: its OCI process's JSON, unless that is long.</summary>
    public byte[] Spec { get; init; } = [];

    /// <summary>Of a container: where its Shim service is; null where it has none.</summary>
    public FrontSocket? Front { get; set; }

    /// <summary>A client of the Shim service has not collected its exit yet.</summary>
    public bool IsKept => Marks.HasFlag(ServiceMarks.Exec) && !Marks.HasFlag(ServiceMarks.Deleted);

    public ulong OomKills => Container?.OomKillsReported ?? 0;

    /// <summary>
    /// Closing the result unmounts what the container had mounted, which may block for some milliseconds. Null for an exec, and
    /// where it was taken before.
    /// </summary>
    public Fd? TakeMounts()
    {
        var mounts = _mounts;
        _mounts = null;
        return mounts;
    }

    /// <summary>Releases our handles, and leaves the process running.</summary>
    public void Dispose()
    {
        Front?.Dispose();
        process.Dispose();
        _mounts?.Dispose();
    }
}
