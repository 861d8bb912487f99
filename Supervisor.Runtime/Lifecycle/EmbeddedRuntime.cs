using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// Containers as children of this very process: for one command's time, for tests, and for those who want no shim.
/// </summary>
public sealed class EmbeddedRuntime(ContainerHost host) : IContainerRuntime
{
    /// <inheritdoc/>
    public IContainer Create(string key, ContainerRequest request, CancellationToken deadline) =>
        Container.Create(host, request, deadline);

    /// <inheritdoc/>
    public IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline) =>
        Container.Restore(host, request, options, deadline);

    /// <inheritdoc/>
    public IContainer? TryAdopt(
        string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths,
        CancellationToken deadline) =>
        Container.TryAdopt(host, bundle, init.Pid, init.StartTime, init.BootId, cgroupPaths);

    /// <inheritdoc/>
    public IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline) =>
        ExecProcess.TryAdopt(host, process.Pid, process.StartTime, process.BootId);

    /// <inheritdoc/>
    public void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout) =>
        Container.TearDown(bundle, cgroupPaths, timeout);

    /// <summary>None: what a former process of ours had in its care is nobody's now.</summary>
    public IReadOnlyCollection<string> Keys(CancellationToken deadline) => [];

    /// <inheritdoc cref="Keys"/>
    public IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline) => [];

    /// <summary>Nothing: a process that was not started ended with our former self.</summary>
    public void EndExec(string key, TimeSpan timeout)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => host.Dispose();
}
