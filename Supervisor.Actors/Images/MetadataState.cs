using System.Collections.Immutable;

namespace Supervisor.Actors.Images;

/// <summary>A name for a manifest.</summary>
public sealed record ImageRecord(
    string Namespace, string Name, ImmutableSortedDictionary<string, string> Labels, string MediaType, string Digest, long Size,
    ImmutableSortedDictionary<string, string> Annotations, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    /// <summary>Where it is found.</summary>
    public ImageKey Key => new(Namespace, Name);
}

/// <summary>Names one image.</summary>
public sealed record ImageKey(string Namespace, string Name);

/// <summary>A blob as one namespace has it. The file may be shared with others.</summary>
/// <param name="File">Beneath the blobs' directory.</param>
public sealed record BlobRecord(
    string Namespace, string Digest, long Size, string File, ImmutableSortedDictionary<string, string> Labels,
    DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt)
{
    /// <summary>Where it is found.</summary>
    public BlobKey Key => new(Namespace, Digest);
}

/// <summary>Names one blob of one namespace.</summary>
public sealed record BlobKey(string Namespace, string Digest);

/// <summary>What a snapshot is good for. containerd's numbers.</summary>
public enum SnapshotKind
{
    /// <summary>Never written.</summary>
    View = 1,

    /// <summary>Being written.</summary>
    Active = 2,

    /// <summary>Others lie on it.</summary>
    Committed = 3,
}

/// <summary>A layer of a filesystem.</summary>
/// <param name="Parent">Name of the one that it lies on, or empty.</param>
/// <param name="Id">The number of its directory.</param>
/// <param name="Size">Of a committed one, in bytes.</param>
/// <param name="Inodes">Of a committed one.</param>
public sealed record SnapshotRecord(
    string Namespace, string Snapshotter, string Name, string Parent, SnapshotKind Kind, long Id,
    ImmutableSortedDictionary<string, string> Labels,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, long Size, long Inodes)
{
    /// <summary>Where it is found.</summary>
    public SnapshotKey Key => new(Namespace, Snapshotter, Name);

    /// <summary>Where its parent is found; null without one.</summary>
    public SnapshotKey? ParentKey => Parent.Length == 0 ? null : new SnapshotKey(Namespace, Snapshotter, Parent);
}

/// <summary>Names one snapshot.</summary>
public sealed record SnapshotKey(string Namespace, string Snapshotter, string Name);

/// <summary>Every image, blob and snapshot of every namespace.</summary>
public sealed record MetadataState(
    ImmutableDictionary<ImageKey, ImageRecord> Images, ImmutableDictionary<BlobKey, BlobRecord> Blobs,
    ImmutableDictionary<SnapshotKey, SnapshotRecord> Snapshots)
{
    /// <summary>Nothing yet.</summary>
    public static MetadataState Empty { get; } = new(
        ImmutableDictionary<ImageKey, ImageRecord>.Empty, ImmutableDictionary<BlobKey, BlobRecord>.Empty,
        ImmutableDictionary<SnapshotKey, SnapshotRecord>.Empty);

    /// <summary>The numbers of a snapshot's parents, the nearest first.</summary>
    public ImmutableArray<long> ChainOf(SnapshotRecord snapshot)
    {
        var chain = ImmutableArray.CreateBuilder<long>();
        for (var key = snapshot.ParentKey; key is { } above && Snapshots.TryGetValue(above, out var parent);
            key = parent.ParentKey)
            chain.Add(parent.Id);
        return chain.ToImmutable();
    }

    /// <summary>What a namespace holds, for people: <c>2 images, 1 blob</c>; empty for nothing.</summary>
    public string DescribeContents(string @namespace)
    {
        (int Count, string One, string Many)[] counts =
        [
            (Images.Keys.Count(k => k.Namespace == @namespace), "image", "images"),
            (Blobs.Keys.Count(k => k.Namespace == @namespace), "blob", "blobs"),
            (Snapshots.Keys.Count(k => k.Namespace == @namespace), "snapshot", "snapshots"),
        ];
        return string.Join(", ", counts.Where(c => c.Count > 0).Select(c => $"{c.Count} {(c.Count == 1 ? c.One : c.Many)}"));
    }
}
