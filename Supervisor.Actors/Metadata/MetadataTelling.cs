using Containerd.Events;
using Containerd.Services.Images.V1;
using Google.Protobuf;
using Supervisor.Actors.Events;

namespace Supervisor.Actors.Metadata;

/// <summary>What containerd's subscribers are told of a <see cref="MetadataEvent"/>.</summary>
internal static class MetadataTelling
{
    /// <summary>Null for what is told to nobody.</summary>
    public static PublishEvent? Of(MetadataEvent @event, string source, long sourceNumber)
    {
        return @event switch
        {
            MetadataEvent.ImageStored { New: true, Image: var i } => Tell(i.Namespace, "/images/create", new ImageCreate { Name = i.Name, Labels = { i.Labels } }),
            MetadataEvent.ImageStored { Image: var i } => Tell(i.Namespace, "/images/update", new ImageUpdate { Name = i.Name, Labels = { i.Labels } }),
            MetadataEvent.ImageDeleted { Key: var k } => Tell(k.Namespace, "/images/delete", new ImageDelete { Name = k.Name }),
            MetadataEvent.ContentDeleted { Key: var k } => Tell(k.Namespace, "/content/delete", new ContentDelete { Digest = k.Digest }),
            MetadataEvent.SnapshotStored { New: true, Snapshot: var s } =>
                Tell(s.Namespace, "/snapshot/prepare", new SnapshotPrepare { Key = s.Name, Parent = s.Parent, Snapshotter = s.Snapshotter }),
            MetadataEvent.SnapshotCommitted { Snapshot: var s } e =>
                Tell(s.Namespace, "/snapshot/commit", new SnapshotCommit { Key = e.Key, Name = s.Name, Snapshotter = s.Snapshotter }),
            MetadataEvent.SnapshotRemoved { Key: var k } => Tell(k.Namespace, "/snapshot/remove", new SnapshotRemove { Key = k.Name, Snapshotter = k.Snapshotter }),
            _ => null,
        };

        PublishEvent Tell(string @namespace, string topic, IMessage body) =>
            new(source, sourceNumber, @event.At, @namespace, topic, Envelopes.Pack(body));
    }
}
