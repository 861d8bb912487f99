using Supervisor.Actors.Leases;

namespace Supervisor.Host.Services.Storage;

/// <summary>For whom something is stored.</summary>
/// <param name="Namespace">Of blobs, images and snapshots.</param>
/// <param name="Lease">Keeps what is made from the collector; null: nothing does yet.</param>
/// <param name="Patience">How long an actor may take for one answer.</param>
/// <param name="Cancel">The caller has gone.</param>
public sealed record StorageCaller(string Namespace, LeaseKey? Lease, TimeSpan Patience, CancellationToken Cancel);
