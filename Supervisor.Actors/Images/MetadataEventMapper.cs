using Containerd.Events;
using Containerd.Services.Images.V1;
using Google.Protobuf;

namespace Supervisor.Actors.Images;

/// <summary>Events of images, content and snapshots as containerd's subscribers see them.</summary>
internal static class MetadataEventMapper
{
    /// <summary>Null for an event that is not published.</summary>
    public static string? TopicOf(MetadataEvent @event) => @event switch
    {
        MetadataEvent.ImageStored { New: true } => "/images/create",
        MetadataEvent.ImageStored => "/images/update",
        MetadataEvent.ImageDeleted => "/images/delete",
        MetadataEvent.ContentDeleted => "/content/delete",
        MetadataEvent.SnapshotStored { New: true } => "/snapshot/prepare",
        MetadataEvent.SnapshotCommitted => "/snapshot/commit",
        MetadataEvent.SnapshotRemoved => "/snapshot/remove",
        _ => null,
    };

    /// <summary>The message of an event that has a topic, and the namespace in which it is published.</summary>
    public static (string Namespace, IMessage Message) MessageOf(MetadataEvent @event) => @event switch
    {
        MetadataEvent.ImageStored { New: true, Image: var i } =>
            (i.Namespace, new ImageCreate { Name = i.Name, Labels = { i.Labels } }),
        MetadataEvent.ImageStored { Image: var i } => (i.Namespace, new ImageUpdate { Name = i.Name, Labels = { i.Labels } }),
        MetadataEvent.ImageDeleted { Key: var k } => (k.Namespace, new ImageDelete { Name = k.Name }),
        MetadataEvent.ContentDeleted { Key: var k } => (k.Namespace, new ContentDelete { Digest = k.Digest }),
        MetadataEvent.SnapshotStored { Snapshot: var s } =>
            (s.Namespace, new SnapshotPrepare { Key = s.Name, Parent = s.Parent, Snapshotter = s.Snapshotter }),
        MetadataEvent.SnapshotCommitted { Snapshot: var s } e =>
            (s.Namespace, new SnapshotCommit { Key = e.Key, Name = s.Name, Snapshotter = s.Snapshotter }),
        MetadataEvent.SnapshotRemoved { Key: var k } =>
            (k.Namespace, new SnapshotRemove { Key = k.Name, Snapshotter = k.Snapshotter }),
        _ => throw new ArgumentException($"{@event.GetType()} is not published", nameof(@event)),
    };
}
