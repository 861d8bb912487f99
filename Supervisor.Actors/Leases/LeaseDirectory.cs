using System.Collections.Immutable;

namespace Supervisor.Actors.Leases;

/// <summary>The leases as last journalled, for read-only calls. One writer, <see cref="LeasesActor"/>; any readers.</summary>
public sealed class LeaseDirectory
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ImmutableDictionary<LeaseKey, Lease> _leases = LeaseMachine.Empty;

    /// <summary>Null when there is no such lease. It may have expired: ask <see cref="Lease.HasExpired"/>.</summary>
    public Lease? Find(LeaseKey key) => _leases.GetValueOrDefault(key);

    /// <summary>Every lease of every namespace, expired ones included.</summary>
    public IEnumerable<Lease> All => _leases.Values;

    /// <summary>The leases of a namespace, by id, expired ones included.</summary>
    public IReadOnlyList<Lease> InNamespace(string @namespace) =>
        [.. _leases.Values.Where(l => l.Key.Namespace == @namespace).OrderBy(l => l.Key.Id, StringComparer.Ordinal)];

    /// <summary>Completes when the journal has been read: until then the contents are incomplete.</summary>
    public Task Recovered => _recovered.Task;

    internal void Publish(ImmutableDictionary<LeaseKey, Lease> leases)
    {
        _leases = leases;
        _recovered.TrySetResult();
    }
}
