using System.Collections.Immutable;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Leases;

namespace Supervisor.Actors.Images;

/// <summary>
/// Finds what nothing refers to. Pure. Roots are images, containers, leases and what is labelled <c>containerd.io/gc.root</c>;
/// marking follows parents and the labels <c>gc.ref.*</c>, and <c>gc.bref.*</c> backwards. containerd's
/// docs/garbage-collection.md.
/// </summary>
public static class GarbageMarking
{
    /// <summary>Label of a root.</summary>
    public const string Root = "containerd.io/gc.root";

    /// <summary>On a lease: it keeps its resources, but not what they refer to.</summary>
    public const string Flat = "containerd.io/gc.flat";

    private const string Reference = "containerd.io/gc.ref.", BackReference = "containerd.io/gc.bref.";

    /// <summary>A blob, a snapshot or an image.</summary>
    private readonly record struct Node(string Namespace, string Type, string Name);

    /// <summary>What a collection removes; children before their parents.</summary>
    /// <param name="leases">Those that have not expired.</param>
    public static ImmutableArray<MetadataEvent> Garbage(
        MetadataState state, ImmutableArray<Lease> leases, ImmutableArray<ContainerRecord> containers, DateTimeOffset now)
    {
        var marked = Mark(state, leases, containers);
        var snapshots = state.Snapshots.Values.Where(s => !marked.Contains(Of(s))).ToDictionary(s => s.Key);
        return
        [
            .. ChildrenFirst(snapshots).Select(s => new MetadataEvent.SnapshotRemoved(now, s.Key)),
            .. state.Blobs.Values.Where(b => !marked.Contains(Of(b))).OrderBy(b => b.Namespace, StringComparer.Ordinal)
                .ThenBy(b => b.Digest, StringComparer.Ordinal)
                .Select(b => new MetadataEvent.ContentDeleted(now, b.Key)),
        ];
    }

    private static HashSet<Node> Mark(
        MetadataState state, ImmutableArray<Lease> leases, ImmutableArray<ContainerRecord> containers)
    {
        var marked = new HashSet<Node>();
        var waiting = new Stack<Node>();
        var flat = new List<Node>();
        var back = BackReferences(state);

        foreach (var image in state.Images.Values) Visit(Of(image));
        foreach (var blob in state.Blobs.Values.Where(b => b.Labels.ContainsKey(Root))) Visit(Of(blob));
        foreach (var snapshot in state.Snapshots.Values.Where(s => s.Labels.ContainsKey(Root))) Visit(Of(snapshot));
        foreach (var container in containers)
        {
            if (container.SnapshotKey.Length > 0)
                Visit(new Node(container.Id.Namespace, $"snapshot/{container.Snapshotter}", container.SnapshotKey));
            foreach (var node in Referred(container.Id.Namespace, container.Labels)) Visit(node);
        }
        foreach (var lease in leases)
        {
            foreach (var resource in lease.Resources)
            {
                var isSnapshot = resource.Type.StartsWith("snapshots/", StringComparison.Ordinal);
                var node = new Node(lease.Key.Namespace, isSnapshot
                    ? "snapshot/" + resource.Type[10..] : resource.Type, resource.Id);
                if (lease.Labels.ContainsKey(Flat)) flat.Add(node);
                else Visit(node);
            }
        }
        while (waiting.TryPop(out var node))
        {
            foreach (var next in Edges(state, node)) Visit(next);
            foreach (var next in back.GetValueOrDefault(node, [])) Visit(next);
        }
        // Last, so that what is reachable by other paths is marked already. A snapshot needs its parents.
        foreach (var node in flat)
        {
            marked.Add(node);
            for (var s = SnapshotOf(state, node); s?.ParentKey is { } above; s = state.Snapshots.GetValueOrDefault(above))
                marked.Add(node with { Name = above.Name });
        }
        return marked;

        void Visit(Node node)
        {
            if (marked.Add(node)) waiting.Push(node);
        }
    }

    private static IEnumerable<Node> Edges(MetadataState state, Node node)
    {
        switch (node.Type)
        {
            case "image" when state.Images.TryGetValue(new ImageKey(node.Namespace, node.Name), out var image):
                return [new Node(node.Namespace, "content", image.Digest), .. Referred(node.Namespace, image.Labels)];
            case "content" when state.Blobs.TryGetValue(new BlobKey(node.Namespace, node.Name), out var blob):
                return Referred(node.Namespace, blob.Labels);
            default:
                return SnapshotOf(state, node) is { } snapshot
                    ? [.. Parents(snapshot), .. Referred(node.Namespace, snapshot.Labels)] : [];
        }
    }

    private static SnapshotRecord? SnapshotOf(MetadataState state, Node node) =>
        node.Type.StartsWith("snapshot/", StringComparison.Ordinal)
        ? state.Snapshots.GetValueOrDefault(new SnapshotKey(node.Namespace, node.Type["snapshot/".Length..], node.Name))
        : null;

    private static IEnumerable<Node> Parents(SnapshotRecord snapshot) =>
        snapshot.Parent.Length == 0 ? [] : [new Node(snapshot.Namespace, $"snapshot/{snapshot.Snapshotter}", snapshot.Parent)];

    private static IEnumerable<Node> Referred(string @namespace, ImmutableSortedDictionary<string, string> labels) =>
        Named(@namespace, labels, Reference);

    /// <summary><c>content</c>, <c>snapshot.SNAPSHOTTER</c> or <c>image</c>, with any suffix after a dot or a slash.</summary>
    private static IEnumerable<Node> Named(string @namespace, ImmutableSortedDictionary<string, string> labels, string prefix)
    {
        foreach (var (key, value) in labels)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var kind = key[prefix.Length..];
            if (Is(kind, "content")) yield return new Node(@namespace, "content", value);
            else if (Is(kind, "image")) yield return new Node(@namespace, "image", value);
            else if (kind.StartsWith("snapshot.", StringComparison.Ordinal))
            {
                var snapshotter = kind["snapshot.".Length..];
                var slash = snapshotter.IndexOf('/', StringComparison.Ordinal);
                yield return new Node(@namespace, $"snapshot/{(slash < 0 ? snapshotter : snapshotter[..slash])}", value);
            }
        }

        static bool Is(string kind, string word) =>
            kind == word || kind.StartsWith(word + ".", StringComparison.Ordinal)
                || kind.StartsWith(word + "/", StringComparison.Ordinal);
    }

    private static Dictionary<Node, List<Node>> BackReferences(MetadataState state)
    {
        var back = new Dictionary<Node, List<Node>>();
        foreach (var blob in state.Blobs.Values) Add(blob.Namespace, blob.Labels, Of(blob));
        foreach (var snapshot in state.Snapshots.Values) Add(snapshot.Namespace, snapshot.Labels, Of(snapshot));
        return back;

        void Add(string @namespace, ImmutableSortedDictionary<string, string> labels, Node node)
        {
            foreach (var keeper in Named(@namespace, labels, BackReference))
            {
                if (!back.TryGetValue(keeper, out var kept)) back[keeper] = kept = [];
                kept.Add(node);
            }
        }
    }

    private static IEnumerable<SnapshotRecord> ChildrenFirst(Dictionary<SnapshotKey, SnapshotRecord> snapshots)
    {
        int Depth(SnapshotRecord snapshot)
        {
            var depth = 0;
            for (var key = snapshot.ParentKey; key is { } above && snapshots.TryGetValue(above, out var parent);
                key = parent.ParentKey)
                depth++;
            return depth;
        }
        return snapshots.Values.OrderByDescending(Depth).ThenBy(s => s.Id);
    }

    private static Node Of(ImageRecord image) => new(image.Namespace, "image", image.Name);

    private static Node Of(BlobRecord blob) => new(blob.Namespace, "content", blob.Digest);

    private static Node Of(SnapshotRecord snapshot) => new(snapshot.Namespace, $"snapshot/{snapshot.Snapshotter}", snapshot.Name);
}
