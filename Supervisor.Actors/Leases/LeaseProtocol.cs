using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Leases;

/// <summary>Names one lease: two namespaces may hold the same id.</summary>
public sealed record LeaseKey(string Namespace, string Id);

/// <summary>Something a lease keeps from the collector.</summary>
/// <param name="Type"><c>content</c> or <c>snapshots/SNAPSHOTTER</c>.</param>
public sealed record LeasedResource(string Type, string Id);

/// <summary>A command to the leases, answered with a <see cref="LeaseReply"/>.</summary>
/// <param name="At">When the command was received.</param>
public abstract record LeaseCommand(DateTimeOffset At)
{
    /// <summary>Creates a lease.</summary>
    public sealed record Create(LeaseKey Key, DateTimeOffset At, ImmutableSortedDictionary<string, string> Labels)
        : LeaseCommand(At);

    /// <summary>Deletes a lease.</summary>
    public sealed record Delete(LeaseKey Key, DateTimeOffset At) : LeaseCommand(At);

    /// <summary>Adds a resource that the lease keeps. Idempotent.</summary>
    public sealed record AddResource(LeaseKey Key, DateTimeOffset At, LeasedResource Resource) : LeaseCommand(At);

    /// <summary>Removes a resource. Removing a missing one is not an error, as in containerd.</summary>
    public sealed record RemoveResource(LeaseKey Key, DateTimeOffset At, LeasedResource Resource) : LeaseCommand(At);

    /// <summary>Deletes every expired lease. Sent by a timer, or by a reader that saw one. Not answered.</summary>
    public sealed record Expire(DateTimeOffset At) : LeaseCommand(At);

    /// <summary>Deletes every lease of a deleted namespace. Not answered.</summary>
    public sealed record ForgetNamespace(string Namespace, DateTimeOffset At) : LeaseCommand(At);
}

/// <summary>The answer to a <see cref="LeaseCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="Lease">The lease afterwards (before, for a delete); null if there is none.</param>
public sealed record LeaseReply(Refusal? Refusal, Lease? Lease);

/// <summary>What happened to a lease. Journalled, so names and fields are a file format: journal/v1/leases.proto.</summary>
public abstract record LeaseEvent(DateTimeOffset At)
{
    /// <summary>It was created.</summary>
    public sealed record Created(DateTimeOffset At, LeaseKey Key, ImmutableSortedDictionary<string, string> Labels)
        : LeaseEvent(At);

    /// <summary>It was deleted or has expired.</summary>
    public sealed record Deleted(DateTimeOffset At, LeaseKey Key) : LeaseEvent(At);

    /// <summary>A resource was added.</summary>
    public sealed record ResourceAdded(DateTimeOffset At, LeaseKey Key, LeasedResource Resource) : LeaseEvent(At);

    /// <summary>A resource was removed.</summary>
    public sealed record ResourceRemoved(DateTimeOffset At, LeaseKey Key, LeasedResource Resource) : LeaseEvent(At);

    /// <summary>All leases; replaces all events before it.</summary>
    public sealed record Compacted(DateTimeOffset At, ImmutableArray<Lease> Leases) : LeaseEvent(At);
}
