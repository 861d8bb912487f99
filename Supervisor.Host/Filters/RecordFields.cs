using System.Collections.Immutable;
using System.Globalization;
using Containerd.Services.Introspection.V1;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Storage.Content;

namespace Supervisor.Host.Filters;

/// <summary>The fields of records for filters of lists. An empty field counts as absent, as in containerd.</summary>
public static class RecordFields
{
    /// <summary><c>id</c>, <c>image</c>, <c>runtime.name</c>, <c>labels.KEY</c>.</summary>
    public static FieldLookup Of(ContainerRecord record) => path => path switch
    {
        ["id"] => NullIfEmpty(record.Id.Value),
        ["image"] => NullIfEmpty(record.Image),
        ["runtime", "name"] => NullIfEmpty(record.RuntimeName),
        ["labels", ..] => Label(record.Labels, path),
        _ => null,
    };

    /// <summary><c>id</c>, <c>labels.KEY</c>.</summary>
    public static FieldLookup Of(Lease lease) => path => path switch
    {
        ["id"] => NullIfEmpty(lease.Key.Id),
        ["labels", ..] => Label(lease.Labels, path),
        _ => null,
    };

    /// <summary>
    /// <c>name</c>, <c>target.digest</c>, <c>target.mediatype</c>, <c>labels.KEY</c>, <c>annotations.KEY</c> of the target.
    /// </summary>
    public static FieldLookup Of(ImageRecord image) => path => path switch
    {
        ["name"] => NullIfEmpty(image.Name),
        ["target", "digest"] => NullIfEmpty(image.Digest),
        ["target", "mediatype"] => NullIfEmpty(image.MediaType),
        ["labels", ..] => Label(image.Labels, path),
        ["annotations", ..] => Label(image.Annotations, path),
        _ => null,
    };

    /// <summary><c>digest</c>, <c>size</c>, <c>labels.KEY</c>.</summary>
    public static FieldLookup Of(BlobRecord blob) => path => path switch
    {
        ["digest"] => blob.Digest,
        ["size"] => blob.Size.ToString(CultureInfo.InvariantCulture),
        ["labels", ..] => Label(blob.Labels, path),
        _ => null,
    };

    /// <summary><c>ref</c>.</summary>
    public static FieldLookup Of(IngestStatus ingest) => path => path is ["ref"] ? ingest.Ref : null;

    /// <summary><c>name</c>, <c>parent</c>, <c>kind</c>, <c>labels.KEY</c>.</summary>
    public static FieldLookup Of(SnapshotRecord snapshot) => path => path switch
    {
        ["name"] => snapshot.Name,
        ["parent"] => NullIfEmpty(snapshot.Parent),
        ["kind"] => snapshot.Kind.ToString().ToLowerInvariant(),
        ["labels", ..] => Label(snapshot.Labels, path),
        _ => null,
    };

    /// <summary><c>type</c>, <c>id</c>, <c>platforms</c>, <c>capabilities</c> (the last two joined with commas).</summary>
    public static FieldLookup Of(Plugin plugin) => path => path switch
    {
        ["type"] => NullIfEmpty(plugin.Type),
        ["id"] => NullIfEmpty(plugin.Id),
        ["platforms"] => NullIfEmpty(string.Join(',', plugin.Platforms.Select(p => $"{p.Os}/{p.Architecture}"))),
        ["capabilities"] => NullIfEmpty(string.Join(',', plugin.Capabilities)),
        _ => null,
    };

    /// <summary>A key may hold dots: the rest of the path, joined.</summary>
    private static string? Label(ImmutableSortedDictionary<string, string> labels, ImmutableArray<string> path) =>
        path.Length > 1 ? labels.GetValueOrDefault(string.Join('.', path[1..])) : null;

    private static string? NullIfEmpty(string value) => value.Length == 0 ? null : value;
}
