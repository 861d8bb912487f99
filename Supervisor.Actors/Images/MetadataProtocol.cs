using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Storage;

namespace Supervisor.Actors.Images;

/// <summary>A command to the metadata store, answered with a <see cref="MetadataReply"/>.</summary>
/// <param name="At">When the command was received.</param>
public abstract record MetadataCommand(string Namespace, DateTimeOffset At)
{
    /// <summary>Creates an image: a name for a manifest.</summary>
    public sealed record CreateImage(ImageRecord Image, DateTimeOffset At) : MetadataCommand(Image.Namespace, At);

    /// <summary>Changes an image.</summary>
    /// <param name="Paths"><c>labels</c>, <c>labels.KEY</c>, <c>target</c>, <c>annotations</c>, <c>annotations.KEY</c>; empty:
    /// all.</param>
    public sealed record UpdateImage(ImageRecord Image, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Image.Namespace, At);

    /// <summary>Deletes an image.</summary>
    public sealed record DeleteImage(ImageKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Records a blob whose file exists.</summary>
    public sealed record CommitContent(
        BlobKey Key, long Size, string File, ImmutableSortedDictionary<string, string> Labels, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Changes a blob's labels.</summary>
    public sealed record UpdateContent(
        BlobKey Key, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Deletes a blob.</summary>
    public sealed record DeleteContent(BlobKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Records a snapshot whose directory exists.</summary>
    public sealed record PrepareSnapshot(
        SnapshotKey Key, string Parent, SnapshotKind Kind, long Id, ImmutableSortedDictionary<string, string> Labels,
            DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Commits an active snapshot, so that others can use it as parent.</summary>
    public sealed record CommitSnapshot(
        SnapshotKey Key, string Name, ImmutableSortedDictionary<string, string> Labels, long Size, long Inodes, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Changes a snapshot's labels.</summary>
    public sealed record UpdateSnapshot(
        SnapshotKey Key, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths, DateTimeOffset At)
        : MetadataCommand(Key.Namespace, At);

    /// <summary>Deletes a snapshot.</summary>
    public sealed record RemoveSnapshot(SnapshotKey Key, DateTimeOffset At) : MetadataCommand(Key.Namespace, At);

    /// <summary>Deletes all that nothing refers to, in every namespace.</summary>
    public sealed record Collect(DateTimeOffset At) : MetadataCommand("", At);
}

/// <summary>The answer to a <see cref="MetadataCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">The state afterwards.</param>
/// <param name="Freed">Files that no record names any more: the receiver removes them.</param>
public sealed record MetadataReply(Refusal? Refusal, MetadataState State, ImmutableArray<Freed> Freed);

/// <summary>What happened. Journalled, so names and fields are a file format: journal/v1/metadata.proto.</summary>
public abstract record MetadataEvent(DateTimeOffset At)
{
    /// <summary>An image was created or updated.</summary>
    /// <param name="New">False: it existed and was updated.</param>
    public sealed record ImageStored(DateTimeOffset At, ImageRecord Image, bool New) : MetadataEvent(At);

    /// <summary>An image was deleted.</summary>
    public sealed record ImageDeleted(DateTimeOffset At, ImageKey Key) : MetadataEvent(At);

    /// <summary>A blob was recorded or updated.</summary>
    public sealed record ContentStored(DateTimeOffset At, BlobRecord Blob) : MetadataEvent(At);

    /// <summary>A blob was deleted.</summary>
    public sealed record ContentDeleted(DateTimeOffset At, BlobKey Key) : MetadataEvent(At);

    /// <summary>A snapshot was created or updated.</summary>
    /// <param name="New">False: it existed and was updated.</param>
    public sealed record SnapshotStored(DateTimeOffset At, SnapshotRecord Snapshot, bool New) : MetadataEvent(At);

    /// <summary>A snapshot was committed, under another name.</summary>
    /// <param name="Key">The name that it had.</param>
    public sealed record SnapshotCommitted(DateTimeOffset At, string Key, SnapshotRecord Snapshot) : MetadataEvent(At);

    /// <summary>A snapshot was deleted.</summary>
    public sealed record SnapshotRemoved(DateTimeOffset At, SnapshotKey Key) : MetadataEvent(At);

    /// <summary>The whole state; replaces all events before it.</summary>
    public sealed record Compacted(
        DateTimeOffset At, ImmutableArray<ImageRecord> Images, ImmutableArray<BlobRecord> Blobs,
            ImmutableArray<SnapshotRecord> Snapshots)
            : MetadataEvent(At);
}
