using System.Collections.Concurrent;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// Completes when every actor that the journal knows of has recovered: until then a list would not be the truth.
/// </summary>
public sealed class Readiness
{
    private readonly ConcurrentDictionary<ContainerId, bool> _missingContainers = new(), _missingTasks = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Says whose container and task to wait for. Once, and before any of them is made.</summary>
    internal void Expect(IReadOnlyCollection<ContainerId> containers)
    {
        foreach (var id in containers) _missingContainers[id] = _missingTasks[id] = true;
        BeReadyIfNoneIsMissing();
    }

    /// <summary>A container has recovered.</summary>
    internal void ContainerRecovered(ContainerId id) => Recovered(_missingContainers, id);

    /// <summary>A container's task has recovered, with its execs, or there is nothing to recover. May be said again.</summary>
    internal void TaskRecovered(ContainerId id) => Recovered(_missingTasks, id);

    private void Recovered(ConcurrentDictionary<ContainerId, bool> missing, ContainerId id)
    {
        if (missing.TryRemove(id, out _)) BeReadyIfNoneIsMissing();
    }

    /// <summary>After each removal, so whoever removes the last of either sees both empty.</summary>
    private void BeReadyIfNoneIsMissing()
    {
        if (_missingContainers.IsEmpty && _missingTasks.IsEmpty) _ready.TrySetResult();
    }
}
