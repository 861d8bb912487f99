using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Containers;

/// <summary>A container's metadata: nothing that a running process could change.</summary>
/// <param name="Spec">The OCI spec as it was given, byte for byte (type URL and JSON), or null.</param>
/// <param name="RuntimeOptions">As given, byte for byte, or null.</param>
/// <param name="Extensions">As given, byte for byte.</param>
public sealed record ContainerRecord(
    ContainerId Id,
    ImmutableSortedDictionary<string, string> Labels,
    string Image,
    string RuntimeName,
    Any? RuntimeOptions,
    Any? Spec,
    string Snapshotter,
    string SnapshotKey,
    ImmutableSortedDictionary<string, Any> Extensions,
    string Sandbox,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt);
