using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// Containers as children of this process: for a command, for tests, and for setups without a shim.
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
        Container.TryAdopt(host, bundle, init, cgroupPaths);

    /// <inheritdoc/>
    public IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline) =>
        ExecProcess.TryAdopt(host, process);

    /// <inheritdoc/>
    public void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout) =>
        Container.TearDown(bundle, cgroupPaths, timeout);

    /// <summary>None: the containers of an earlier process are not known to this runtime.</summary>
    public IReadOnlyCollection<string> Keys(CancellationToken deadline) => [];

    /// <inheritdoc cref="Keys"/>
    public IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline) => [];

    /// <summary>Does nothing: a process that was not started exited with the previous daemon.</summary>
    public void EndExec(string key, TimeSpan timeout)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => host.Dispose();
}
