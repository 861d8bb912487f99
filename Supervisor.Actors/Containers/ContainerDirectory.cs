using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;

namespace Supervisor.Actors.Containers;

/// <summary>
/// The last published state of every container, for read-only calls: a list asks no actor, so it answers in microseconds even
/// while a container is stuck in the kernel. Each container's own actors write its entry; readers see whole, immutable records.
/// </summary>
public sealed class ContainerDirectory : ITaskDirectory
{
    private readonly ConcurrentDictionary<ContainerId, ContainerView> _entries = new();

    private readonly ConcurrentDictionary<ContainerId, string> _damaged = new();

    /// <summary>Containers whose journal is damaged, and how: they are not listed, and their processes are left alone.</summary>
    public IReadOnlyDictionary<ContainerId, string> Damaged => _damaged;

    /// <summary>Null when there is no such container.</summary>
    public ContainerView? Find(ContainerId id) => _entries.GetValueOrDefault(id);

    /// <summary>Every container of every namespace.</summary>
    public IEnumerable<ContainerView> All => _entries.Values;

    /// <summary>The containers of a namespace, by id.</summary>
    public IReadOnlyList<ContainerView> InNamespace(string @namespace) =>
        [.. _entries.Values.Where(e => e.Record.Id.Namespace == @namespace)
            .OrderBy(e => e.Record.Id.Value, StringComparer.Ordinal)];

    /// <summary>Every namespace that holds a container.</summary>
    public IReadOnlySet<string> Namespaces() => _entries.Keys.Select(id => id.Namespace).ToHashSet();

    /// <param name="task">Null while the container has no task actor yet.</param>
    internal void Publish(ContainerRecord record, IActorRef container, IActorRef? task) => _entries.AddOrUpdate(
        record.Id,
        _ => new ContainerView(record, container, TaskView.None with { Actor = task }),
        (_, e) => e with { Record = record, Container = container });

    /// <inheritdoc/>
    public void Publish(ContainerId id, TaskView task)
    {
        while (_entries.TryGetValue(id, out var entry) && !_entries.TryUpdate(id, entry with { Task = task }, entry)) { }
    }

    /// <inheritdoc/>
    public void Publish(ContainerId id, string execId, ExecView? exec)
    {
        while (_entries.TryGetValue(id, out var entry)
            && !_entries.TryUpdate(
                id, entry with { Execs = exec is null ? entry.Execs.Remove(execId) : entry.Execs.SetItem(execId, exec) },
                entry)) { }
    }

    internal void Remove(ContainerId id) => _entries.TryRemove(id, out _);

    /// <summary>The error for a container whose journal is damaged; null for any other.</summary>
    public Refusal? Refuse(ContainerId id) => !_damaged.TryGetValue(id, out var damage) ? null : new Refusal(
        RefusalCode.DataLoss,
        $"container \"{id.Value}\" in namespace \"{id.Namespace}\": {damage}; its processes were left alone: restore the "
            + "journal from a backup, or start the "
        + "daemon once with --adopt, which adopts it if it is running, or with --forget, which kills and removes it");

    /// <inheritdoc/>
    public void MarkDamaged(ContainerId id, string damage)
    {
        _damaged.TryAdd(id, damage);
        Remove(id);
    }
}

/// <summary>One container as last published.</summary>
/// <param name="Container">Takes <see cref="ContainerCommand"/>s.</param>
public sealed record ContainerView(ContainerRecord Record, IActorRef Container, TaskView Task)
{
    /// <summary>The execs of its task, by id.</summary>
    public ImmutableDictionary<string, ExecView> Execs {
        get; init; } = ImmutableDictionary<string, ExecView>.Empty.WithComparers(StringComparer.Ordinal);
}
