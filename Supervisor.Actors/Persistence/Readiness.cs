using System.Collections.Concurrent;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Persistence;

/// <summary>Completes when every actor in the journal has recovered: until then a list would be incomplete.</summary>
public sealed class Readiness
{
    private readonly ConcurrentDictionary<ContainerId, bool> _missingContainers = new(), _missingTasks = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Sets the containers to wait for. Called once, before any of them is created.</summary>
    internal void Expect(IReadOnlyCollection<ContainerId> containers)
    {
        foreach (var id in containers) _missingContainers[id] = _missingTasks[id] = true;
        CompleteIfAllRecovered();
    }

    /// <summary>A container has recovered.</summary>
    internal void ContainerRecovered(ContainerId id) => Recovered(_missingContainers, id);

    /// <summary>A container's task has recovered, with its execs, or there is nothing to recover. May be called again.</summary>
    internal void TaskRecovered(ContainerId id) => Recovered(_missingTasks, id);

    private void Recovered(ConcurrentDictionary<ContainerId, bool> missing, ContainerId id)
    {
        if (missing.TryRemove(id, out _)) CompleteIfAllRecovered();
    }

    /// <summary>Checked after each removal, so the call that removes the last of either sees both empty.</summary>
    private void CompleteIfAllRecovered()
    {
        if (_missingContainers.IsEmpty && _missingTasks.IsEmpty) _ready.TrySetResult();
    }
}
