using System.Collections.Immutable;
using System.Globalization;

namespace Supervisor.Actors.Leases;

/// <summary>Keeps what was made under it from the collector while it lives.</summary>
public sealed record Lease(
    LeaseKey Key, DateTimeOffset CreatedAt, ImmutableSortedDictionary<string, string> Labels,
        ImmutableHashSet<LeasedResource> Resources)
{
    /// <summary>containerd's label for the end of a lease, an RFC 3339 time.</summary>
    public const string ExpireLabel = "containerd.io/gc.expire";

    /// <summary>When it ends by itself; null: never. A label that is no time counts as none, as in containerd.</summary>
    public DateTimeOffset? ExpiresAt =>
        Labels.TryGetValue(ExpireLabel, out var text)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    /// <summary>Whether its time has come.</summary>
    public bool HasExpired(DateTimeOffset now) => ExpiresAt <= now;
}
