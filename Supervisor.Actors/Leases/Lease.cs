using System.Collections.Immutable;
using System.Globalization;

namespace Supervisor.Actors.Leases;

/// <summary>Keeps what was created under it from being collected.</summary>
public sealed record Lease(
    LeaseKey Key, DateTimeOffset CreatedAt, ImmutableSortedDictionary<string, string> Labels,
        ImmutableHashSet<LeasedResource> Resources)
{
    /// <summary>containerd's label for the expiry of a lease, an RFC 3339 time.</summary>
    public const string ExpireLabel = "containerd.io/gc.expire";

    /// <summary>When it expires; null: never. A label that is not a time counts as none, as in containerd.</summary>
    public DateTimeOffset? ExpiresAt =>
        Labels.TryGetValue(ExpireLabel, out var text)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    /// <summary>Whether it has expired.</summary>
    public bool HasExpired(DateTimeOffset now) => ExpiresAt <= now;
}
