using Supervisor.Kernel.Files;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>
/// One process that is our child, or was a previous shim's: a container's init, or another of its processes.
/// </summary>
internal sealed class ShimProcessEntry(string key, string? container, IContainerProcess process) : IDisposable
{
    // Of the init only: an exec's exit unmounts nothing.
    private Fd? _mounts = (process as Container)?.HoldMounts();

    public string Key => key;

    /// <summary>Of an exec: its container's key.</summary>
    public string? ContainerKey => container;

    public IContainerProcess Child => process;

    public Container? Container => process as Container;

    /// <summary>Its exit; null while it runs.</summary>
    public ExitRecord? Exit { get; set; }

    /// <summary>Whether its exit was reported, which happens after its output has been passed on.</summary>
    public bool Reported { get; set; }

    public ulong OomKills => Container?.OomKillsReported ?? 0;

    public Task? InputEnded => process switch
    {
        Container c => c.InputEnded,
        ExecProcess e => e.InputEnded,
        _ => null,
    };

    public Task OutputFinished => process switch
    {
        Container c => c.OutputFinished,
        ExecProcess e => e.OutputFinished,
        _ => Task.CompletedTask,
    };

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

    /// <summary>To be called for a process that was adopted after its exit.</summary>
    public void HasEndedBefore()
    {
        if (process is Container container) container.HasEndedBefore();
        else if (process is ExecProcess exec) exec.HasEndedBefore();
    }

    public ProcessHandover HandOver(bool stop) => process switch
    {
        Container c => c.HandOver(key, stop),
        ExecProcess e => e.HandOver(key, stop),
        _ => throw new InvalidOperationException(process.GetType().Name),
    };

    /// <summary>Releases our handles, and leaves the process running.</summary>
    public void Dispose()
    {
        process.Dispose();
        _mounts?.Dispose();
    }
}
