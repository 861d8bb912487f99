using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>
/// One process that is a child of ours, or was of a former shim: a container's init, or another of its processes.
/// </summary>
internal sealed class ShimProcessEntry(string key, string? container, IContainerProcess process)
{
    public string Key => key;

    /// <summary>Of an exec: its container's key.</summary>
    public string? ContainerKey => container;

    public IContainerProcess Child => process;

    public Container? Container => process as Container;

    /// <summary>As the kernel told it; null while it runs.</summary>
    public ExitRecord? Exit { get; set; }

    /// <summary>Its output has been passed on, so that the end may be told.</summary>
    public bool Told { get; set; }

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

    /// <summary>Taken over after its end.</summary>
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
}
