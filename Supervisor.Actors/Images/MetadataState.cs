using System.Collections.Immutable;

namespace Supervisor.Actors.Images;

/// <summary>A name for a manifest.</summary>
public sealed record ImageRecord(
    string Namespace, string Name, ImmutableSortedDictionary<string, string> Labels, string MediaType, string Digest, long Size,
    ImmutableSortedDictionary<string, string> Annotations, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    /// <summary>Its key.</summary>
    public ImageKey Key => new(Namespace, Name);
}

/// <summary>Names one image.</summary>
public sealed record ImageKey(string Namespace, string Name);

/// <summary>A blob in one namespace. Namespaces may share its file.</summary>
/// <param name="File">Relative to the blobs' directory.</param>
public sealed record BlobRecord(
    string Namespace, string Digest, long Size, string File, ImmutableSortedDictionary<string, string> Labels,
    DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt)
{
    /// <summary>Its key.</summary>
    public BlobKey Key => new(Namespace, Digest);
}

/// <summary>Names one blob of one namespace.</summary>
public sealed record BlobKey(string Namespace, string Digest);

/// <summary>The kind of a snapshot, in containerd's numbers.</summary>
public enum SnapshotKind
{
    /// <summary>Read-only.</summary>
    View = 1,

    /// <summary>Writable.</summary>
    Active = 2,

    /// <summary>Immutable; can be a parent.</summary>
    Committed = 3,
}

/// <summary>A layer of a filesystem.</summary>
/// <param name="Parent">Name of the parent snapshot, or empty.</param>
/// <param name="Id">The number of its directory.</param>
/// <param name="Size">Of a committed one, in bytes.</param>
/// <param name="Inodes">Of a committed one.</param>
public sealed record SnapshotRecord(
    string Namespace, string Snapshotter, string Name, string Parent, SnapshotKind Kind, long Id,
    ImmutableSortedDictionary<string, string> Labels,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, long Size, long Inodes)
{
    /// <summary>Its key.</summary>
    public SnapshotKey Key => new(Namespace, Snapshotter, Name);

    /// <summary>Its parent's key; null without one.</summary>
    public SnapshotKey? ParentKey => Parent.Length == 0 ? null : new SnapshotKey(Namespace, Snapshotter, Parent);
}

/// <summary>Names one snapshot.</summary>
public sealed record SnapshotKey(string Namespace, string Snapshotter, string Name);

/// <summary>Every image, blob and snapshot of every namespace.</summary>
public sealed record MetadataState(
    ImmutableDictionary<ImageKey, ImageRecord> Images, ImmutableDictionary<BlobKey, BlobRecord> Blobs,
    ImmutableDictionary<SnapshotKey, SnapshotRecord> Snapshots)
{
    /// <summary>The initial state.</summary>
    public static MetadataState Empty { get; } = new(
        ImmutableDictionary<ImageKey, ImageRecord>.Empty, ImmutableDictionary<BlobKey, BlobRecord>.Empty,
        ImmutableDictionary<SnapshotKey, SnapshotRecord>.Empty);

    /// <summary>The directory numbers of a snapshot's parents, nearest first.</summary>
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
