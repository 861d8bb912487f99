using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Journalled = Supervisor.Journal.V1;

namespace Supervisor.Actors.Images;

/// <summary>Metadata events as bytes: journal/v1/metadata.proto. The manifest is the message's full name.</summary>
public static class MetadataJournal
{
    /// <summary>The message to journal; its <c>Descriptor.FullName</c> is the manifest.</summary>
    public static IMessage ToProto(MetadataEvent @event) => @event switch
    {
        MetadataEvent.ImageStored e => new Journalled.ImageStored { At = Time(e.At), Image = Image(e.Image), New = e.New },
        MetadataEvent.ImageDeleted e =>
            new Journalled.ImageDeleted { At = Time(e.At), Namespace = e.Key.Namespace, Name = e.Key.Name },
        MetadataEvent.ContentStored e => new Journalled.ContentStored { At = Time(e.At), Blob = Blob(e.Blob) },
        MetadataEvent.ContentDeleted e =>
            new Journalled.ContentDeleted { At = Time(e.At), Namespace = e.Key.Namespace, Digest = e.Key.Digest },
        MetadataEvent.SnapshotStored e =>
            new Journalled.SnapshotStored { At = Time(e.At), Snapshot = Snapshot(e.Snapshot), New = e.New },
        MetadataEvent.SnapshotCommitted e =>
            new Journalled.SnapshotCommitted { At = Time(e.At), Key = e.Key, Snapshot = Snapshot(e.Snapshot) },
        MetadataEvent.SnapshotRemoved e => new Journalled.SnapshotRemoved
        {
            At = Time(e.At), Namespace = e.Key.Namespace, Snapshotter = e.Key.Snapshotter, Name = e.Key.Name,
        },
        MetadataEvent.Compacted e => new Journalled.MetadataCompacted
        {
            At = Time(e.At), Images = { e.Images.Select(Image) }, Blobs = { e.Blobs.Select(Blob) },
                Snapshots = { e.Snapshots.Select(Snapshot) },
        },
        _ => throw new UnreachableException(@event.ToString()),
    };

    /// <summary>The event that was journalled; null when the manifest names no metadata event.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are not such a message.</exception>
    public static MetadataEvent? FromProto(string manifest, ReadOnlyMemory<byte> bytes)
    {
        switch (manifest)
        {
            case "supervisor.journal.v1.ImageStored":
                var image = Journalled.ImageStored.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.ImageStored(Time(image.At), Image(image.Image), image.New);
            case "supervisor.journal.v1.ImageDeleted":
                var unnamed = Journalled.ImageDeleted.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.ImageDeleted(Time(unnamed.At), new ImageKey(unnamed.Namespace, unnamed.Name));
            case "supervisor.journal.v1.ContentStored":
                var blob = Journalled.ContentStored.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.ContentStored(Time(blob.At), Blob(blob.Blob));
            case "supervisor.journal.v1.ContentDeleted":
                var deleted = Journalled.ContentDeleted.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.ContentDeleted(Time(deleted.At), new BlobKey(deleted.Namespace, deleted.Digest));
            case "supervisor.journal.v1.SnapshotStored":
                var snapshot = Journalled.SnapshotStored.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.SnapshotStored(Time(snapshot.At), Snapshot(snapshot.Snapshot), snapshot.New);
            case "supervisor.journal.v1.SnapshotCommitted":
                var committed = Journalled.SnapshotCommitted.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.SnapshotCommitted(Time(committed.At), committed.Key, Snapshot(committed.Snapshot));
            case "supervisor.journal.v1.SnapshotRemoved":
                var removed = Journalled.SnapshotRemoved.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.SnapshotRemoved(
                    Time(removed.At), new SnapshotKey(removed.Namespace, removed.Snapshotter, removed.Name));
            case "supervisor.journal.v1.MetadataCompacted":
                var all = Journalled.MetadataCompacted.Parser.ParseFrom(bytes.Span);
                return new MetadataEvent.Compacted(
                    Time(all.At), [.. all.Images.Select(Image)], [.. all.Blobs.Select(Blob)],
                        [.. all.Snapshots.Select(Snapshot)]);
            default:
                return null;
        }
    }

    private static Journalled.ImageSnapshot Image(ImageRecord r) => new()
    {
        Namespace = r.Namespace, Name = r.Name, Labels = { r.Labels }, MediaType = r.MediaType, Digest = r.Digest, Size = r.Size,
            Annotations = { r.Annotations },
        CreatedAt = Time(r.CreatedAt), UpdatedAt = Time(r.UpdatedAt),
    };

    private static ImageRecord Image(Journalled.ImageSnapshot m) =>
        new(m.Namespace, m.Name, m.Labels.ToSortedDictionary(), m.MediaType, m.Digest, m.Size, m.Annotations.ToSortedDictionary(),
            Time(m.CreatedAt),
            Time(m.UpdatedAt));

    private static Journalled.BlobSnapshot Blob(BlobRecord r) => new()
    {
        Namespace = r.Namespace, Digest = r.Digest, Size = r.Size, File = r.File, Labels = { r.Labels },
        CreatedAt = Time(r.CreatedAt),
            UpdatedAt = Time(r.UpdatedAt),
    };

    private static BlobRecord Blob(Journalled.BlobSnapshot m) =>
        new(m.Namespace, m.Digest, m.Size, m.File, m.Labels.ToSortedDictionary(), Time(m.CreatedAt), Time(m.UpdatedAt));

    private static Journalled.SnapshotSnapshot Snapshot(SnapshotRecord r) => new()
    {
        Namespace = r.Namespace, Snapshotter = r.Snapshotter, Name = r.Name, Parent = r.Parent, Kind = (int)r.Kind, Id = r.Id,
            Labels = { r.Labels },
        CreatedAt = Time(r.CreatedAt), UpdatedAt = Time(r.UpdatedAt), Size = r.Size, Inodes = r.Inodes,
    };

    private static SnapshotRecord Snapshot(Journalled.SnapshotSnapshot m) => new(
        m.Namespace, m.Snapshotter, m.Name, m.Parent, (SnapshotKind)m.Kind, m.Id, m.Labels.ToSortedDictionary(),
        Time(m.CreatedAt), Time(m.UpdatedAt),
            m.Size, m.Inodes);

    private static Timestamp Time(DateTimeOffset at) => Timestamp.FromDateTimeOffset(at);

    private static DateTimeOffset Time(Timestamp at) => at.ToDateTimeOffset();
}
