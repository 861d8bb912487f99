using System.Collections.Concurrent;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.ReadModel;

/// <summary>Completes when every actor that the journal knows of has recovered: until then a list would not be the truth.</summary>
public sealed class Readiness
{
    private enum Part { Container, Task }

    private readonly ConcurrentDictionary<(ContainerId Id, Part Part), bool> _missing = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Says whose container and task to wait for. Once, and before any of them is made.</summary>
    internal void Expect(IReadOnlyCollection<ContainerId> containers)
    {
        foreach (var id in containers) _missing[(id, Part.Container)] = _missing[(id, Part.Task)] = true;
        if (_missing.IsEmpty) _ready.TrySetResult();
    }

    /// <summary>A container has recovered.</summary>
    internal void ContainerRecovered(ContainerId id) => Recovered(id, Part.Container);

    /// <summary>A container's task has recovered, with its execs, or there is nothing to recover. May be said again.</summary>
    internal void TaskRecovered(ContainerId id) => Recovered(id, Part.Task);

    private void Recovered(ContainerId id, Part part)
    {
        if (_missing.TryRemove((id, part), out _) && _missing.IsEmpty) _ready.TrySetResult();
    }
}
