using System.Collections.Immutable;
using Google.Protobuf;
using Supervisor.Actors.Images;

namespace Supervisor.Tests.Actors.Images;

/// <summary>Serialization round trips of every event, found by reflection.</summary>
public sealed class MetadataJournalTests
{
    [Fact]
    public void Every_event_survives_a_round_trip()
    {
        var t = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000).AddTicks(7);
        var labels = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal).Add("k", "v");
        var image = new ImageRecord("n", "i", labels, "m", "sha256:1", 5, labels.Add("a", "b"), t, t.AddTicks(1));
        var blob = new BlobRecord("n", "sha256:1", 5, "sha256/1-2", labels, t, t.AddTicks(1));
        var snapshot = new SnapshotRecord("n", "overlayfs", "s", "p", SnapshotKind.Committed, 9, labels, t, t.AddTicks(1), 7, 8);
        MetadataEvent[] events =
        [
            new MetadataEvent.ImageStored(t, image, true), new MetadataEvent.ImageDeleted(t, image.Key),
                new MetadataEvent.ContentStored(t, blob),
            new MetadataEvent.ContentDeleted(t, blob.Key), new MetadataEvent.SnapshotStored(t, snapshot, false),
                new MetadataEvent.SnapshotCommitted(t, "key", snapshot),
            new MetadataEvent.SnapshotRemoved(t, snapshot.Key), new MetadataEvent.Compacted(t, [image], [blob], [snapshot]),
        ];
        Assert.Equal(typeof(MetadataEvent).GetNestedTypes().ToHashSet(), events.Select(e => e.GetType()).ToHashSet());
        foreach (var e in events)
        {
            var written = MetadataJournal.ToProto(e);
            Assert.Equivalent(e, MetadataJournal.FromProto(written.Descriptor.FullName, written.ToByteArray()), strict: true);
        }
    }
}
