using System.Collections.Immutable;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;

namespace Supervisor.Tests.Actors.Images;

/// <summary>Which content is garbage. Digests are short names here: the rules do not parse them.</summary>
public sealed class GarbageMarkingTests
{
    private static readonly DateTimeOffset T0 = DateTimeOffset.UnixEpoch;
    private static readonly ImmutableSortedDictionary<string, string> None = ImmutableSortedDictionary<string, string>.Empty;
    private MetadataState _state = MetadataState.Empty;
    private readonly List<Lease> _leases = [];
    private readonly List<ContainerRecord> _containers = [];

    [Fact]
    public void Content_that_an_image_refers_to_is_kept_and_the_rest_is_collected_children_first()
    {
        Image("i", "manifest");
        Blob("manifest", ("containerd.io/gc.ref.content.config", "config"), ("containerd.io/gc.ref.content.l.0", "layer"));
        Blob("config", ("containerd.io/gc.ref.snapshot.overlayfs", "top"));
        Blob("layer");
        Blob("stray");
        Snapshot("base");
        Snapshot("top", "base");
        Snapshot("old");
        Snapshot("older", "old");
        Assert.Equal(["snapshot older", "snapshot old", "blob stray"], Garbage());
    }

    [Fact]
    public void Without_the_image_everything_is_collected()
    {
        Blob("manifest", ("containerd.io/gc.ref.content.l.0", "layer"));
        Blob("layer");
        Assert.Equal(["blob layer", "blob manifest"], Garbage());
    }

    [Fact]
    public void A_container_keeps_its_snapshot_and_all_its_parents()
    {
        Snapshot("base");
        Snapshot("c", "base");
        Snapshot("other");
        Container("c");
        Assert.Equal(["snapshot other"], Garbage());
    }

    [Fact]
    public void A_lease_keeps_its_resources_and_everything_they_refer_to()
    {
        Blob("a", ("containerd.io/gc.ref.content", "b"));
        Blob("b");
        Snapshot("s");
        Lease(None, new LeasedResource("content", "a"), new LeasedResource("snapshots/overlayfs", "s"));
        Assert.Empty(Garbage());
    }

    [Fact]
    public void A_flat_lease_keeps_only_its_resources_and_the_parents_of_its_snapshots()
    {
        Blob("a", ("containerd.io/gc.ref.content", "b"));
        Blob("b");
        Snapshot("base");
        Snapshot("s", "base");
        Lease(None.Add(GarbageMarking.Flat, "x"), new LeasedResource("content", "a"),
            new LeasedResource("snapshots/overlayfs", "s"));
        Assert.Equal(["blob b"], Garbage());
    }

    [Fact]
    public void Content_labelled_as_a_root_is_kept_with_everything_it_refers_to()
    {
        Blob("a", (GarbageMarking.Root, "now"), ("containerd.io/gc.ref.snapshot.overlayfs/x", "s"));
        Snapshot("s");
        Assert.Empty(Garbage());
    }

    [Fact]
    public void A_back_reference_keeps_its_holder_as_long_as_its_target()
    {
        Image("i", "manifest");
        Blob("manifest");
        Blob("signature", ("containerd.io/gc.bref.content", "manifest"));
        Blob("orphan", ("containerd.io/gc.bref.content", "missing"));
        Assert.Equal(["blob orphan"], Garbage());
    }

    [Fact]
    public void Another_namespace_keeps_nothing_in_this_one()
    {
        Image("i", "a", "other");
        Blob("a");
        Snapshot("c");
        Container("c", "other");
        Assert.Equal(["snapshot c", "blob a"], Garbage());
    }

    [Fact]
    public void A_cycle_of_references_does_not_loop()
    {
        Blob("a", ("containerd.io/gc.ref.content", "b"));
        Blob("b", ("containerd.io/gc.ref.content", "a"));
        Assert.Equal(["blob a", "blob b"], Garbage());
        Image("i", "a");
        Assert.Empty(Garbage());
    }

    private IEnumerable<string> Garbage() =>
        GarbageMarking.Garbage(_state, [.. _leases], [.. _containers], T0).Select(e => e switch
    {
        MetadataEvent.SnapshotRemoved s => $"snapshot {s.Key.Name}",
        MetadataEvent.ContentDeleted b => $"blob {b.Key.Digest}",
        var other => other.ToString()!,
    });

    private void Apply(MetadataEvent e) => _state = MetadataMachine.Apply(_state, e);

    private void Image(string name, string digest, string @namespace = "n") =>
        Apply(new MetadataEvent.ImageStored(T0, new ImageRecord(@namespace, name, None, "m", digest, 1, None, T0, T0), true));

    private void Blob(string digest, params (string Key, string Value)[] labels) => Apply(new MetadataEvent.ContentStored(
        T0, new BlobRecord("n", digest, 1, $"sha256/{digest}-1", labels.ToImmutableSortedDictionary(l => l.Key, l => l.Value), T0,
            T0)));

    private void Snapshot(string name, string parent = "") => Apply(new MetadataEvent.SnapshotStored(
        T0, new SnapshotRecord(
            "n", "overlayfs", name, parent, SnapshotKind.Committed, _state.Snapshots.Count + 1, None, T0, T0, 0, 0),
            true));

    private void Container(string key, string @namespace = "n") => _containers.Add(new ContainerRecord(
        ContainerId.Parse(@namespace, "c"), None, "", "r", null, null, "overlayfs", key, ImmutableSortedDictionary<string,
            Google.Protobuf.WellKnownTypes.Any>.Empty, "", T0, T0));

    private void Lease(ImmutableSortedDictionary<string, string> labels, params LeasedResource[] resources) =>
        _leases.Add(new Lease(new LeaseKey("n", $"l{_leases.Count}"), T0, labels, [.. resources]));
}
