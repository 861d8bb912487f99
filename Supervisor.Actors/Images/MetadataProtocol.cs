using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Storage;

namespace Supervisor.Actors.Images;

/// <summary>What the metadata are told. Answered with a <see cref="MetadataReply"/>.</summary>
/// <param name="At">When the command came in.</param>
public abstract record MetadataCommand(string Namespace, DateTimeOffset At)
{
    /// <summary>Names a manifest.</summary>
    public sealed record CreateImage(ImageRecord Image, DateTimeOffset At) : MetadataCommand(Image.Namespace, At);

    /// <summary>Changes an image.</summary>
    /// <param name="Paths"><c>labels</c>, <c>labels.KEY</c>, <c>target</c>, <c>annotations</c>, <c>annotations.KEY</c>; empty:
    /// all.</param>
    public sealed record UpdateImage(ImageRecord Image, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Image.Namespace, At);

    /// <summary>Forgets an image.</summary>
    public sealed record DeleteImage(ImageKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Records a blob whose file is there.</summary>
    public sealed record CommitContent(
        BlobKey Key, long Size, string File, ImmutableSortedDictionary<string, string> Labels, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Changes a blob's labels.</summary>
    public sealed record UpdateContent(
        BlobKey Key, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Forgets a blob.</summary>
    public sealed record DeleteContent(BlobKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Records a snapshot whose directory is there.</summary>
    public sealed record PrepareSnapshot(
        SnapshotKey Key, string Parent, SnapshotKind Kind, long Id, ImmutableSortedDictionary<string, string> Labels,
            DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Makes an active snapshot one that others can lie on.</summary>
    public sealed record CommitSnapshot(
        SnapshotKey Key, string Name, ImmutableSortedDictionary<string, string> Labels, long Size, long Inodes, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Changes a snapshot's labels.</summary>
    public sealed record UpdateSnapshot(
        SnapshotKey Key, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Forgets a snapshot.</summary>
    public sealed record RemoveSnapshot(SnapshotKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Forgets all that nothing refers to, in every namespace.</summary>
    public sealed record Collect(DateTimeOffset At) : MetadataCommand("", At);
}

/// <summary>The answer to a <see cref="MetadataCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">All there is afterwards.</param>
/// <param name="Freed">What no record names any more: the receiver removes it.</param>
public sealed record MetadataReply(Refusal? Refusal, MetadataState State, ImmutableArray<Freed> Freed);

/// <summary>What happened. Journalled, so names and fields are a file format: journal/v1/metadata.proto.</summary>
public abstract record MetadataEvent(DateTimeOffset At)
{
    /// <summary>An image is as it says.</summary>
    /// <param name="New">False: it was there and has changed.</param>
    public sealed record ImageStored(DateTimeOffset At, ImageRecord Image, bool New) : MetadataEvent(At);

    /// <summary>An image is gone.</summary>
    public sealed record ImageDeleted(DateTimeOffset At, ImageKey Key) : MetadataEvent(At);

    /// <summary>A blob is as it says.</summary>
    public sealed record ContentStored(DateTimeOffset At, BlobRecord Blob) : MetadataEvent(At);

    /// <summary>A blob is gone.</summary>
    public sealed record ContentDeleted(DateTimeOffset At, BlobKey Key) : MetadataEvent(At);

    /// <summary>A snapshot is as it says.</summary>
    /// <param name="New">False: it was there and has changed.</param>
    public sealed record SnapshotStored(DateTimeOffset At, SnapshotRecord Snapshot, bool New) : MetadataEvent(At);

    /// <summary>A snapshot is committed, under another name.</summary>
    /// <param name="Key">The name that it had.</param>
    public sealed record SnapshotCommitted(DateTimeOffset At, string Key, SnapshotRecord Snapshot) : MetadataEvent(At);

    /// <summary>A snapshot is gone.</summary>
    public sealed record SnapshotRemoved(DateTimeOffset At, SnapshotKey Key) : MetadataEvent(At);

    /// <summary>All there is, in place of all events before this one.</summary>
    public sealed record Compacted(
        DateTimeOffset At, ImmutableArray<ImageRecord> Images, ImmutableArray<BlobRecord> Blobs,
            ImmutableArray<SnapshotRecord> Snapshots)
            : MetadataEvent(At);
}
