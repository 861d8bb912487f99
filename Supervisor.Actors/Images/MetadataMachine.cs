using System.Collections.Immutable;
using System.Diagnostics;
using Supervisor.Actors.Identity;
using Supervisor.Storage;
using static Supervisor.Actors.Images.MetadataCommand;
using E = Supervisor.Actors.Images.MetadataEvent;

namespace Supervisor.Actors.Images;

/// <summary>The result of a command: events, or a refusal.</summary>
public sealed record MetadataDecision(ImmutableArray<MetadataEvent> Events, Refusal? Refusal);

/// <summary>The rules of images, blobs and snapshots. Pure: no clock, no I/O, no actor. Messages are containerd's: clients
/// match on them.</summary>
public static class MetadataMachine
{
    /// <summary>Names the committed snapshot that this one will become: if that exists, unpacking is skipped.</summary>
    public const string TargetLabel = "containerd.io/snapshot.ref";

    /// <summary>Decides on a command.</summary>
    /// <param name="garbage">What nothing refers to; evaluated for <see cref="Collect"/> only.</param>
    public static MetadataDecision Decide(
        MetadataState state, MetadataCommand command, Func<ImmutableArray<MetadataEvent>> garbage) =>
        command switch
    {
        CreateImage c when state.Images.ContainsKey(c.Image.Key) =>
            Refuse(RefusalCode.AlreadyExists, $"image \"{c.Image.Name}\": already exists"),
        CreateImage c => Record(new E.ImageStored(
            c.At, c.Image with { Labels = FieldMask.WithoutEmpty(c.Image.Labels), CreatedAt = c.At, UpdatedAt = c.At },
                New: true)),
        UpdateImage c => state.Images.TryGetValue(c.Image.Key, out var old) ? Change(old, c) : NoImage(c.Image.Key),
        DeleteImage c => state.Images.ContainsKey(c.Key) ? Record(new E.ImageDeleted(c.At, c.Key)) : NoImage(c.Key),

        CommitContent c when state.Blobs.ContainsKey(c.Key) =>
            Refuse(RefusalCode.AlreadyExists, $"content {c.Key.Digest}: already exists"),
        CommitContent c => Record(new E.ContentStored(c.At, new BlobRecord(
            c.Namespace, c.Key.Digest, c.Size, FileOf(state, c.Key.Digest)
                ?? c.File, FieldMask.WithoutEmpty(c.Labels), c.At, c.At))),
        UpdateContent c when !state.Blobs.ContainsKey(c.Key) => NoContent(c.Key),
        UpdateContent c => FieldMask.ApplyToLabels(state.Blobs[c.Key].Labels, c.Labels, c.Paths) is { } labels
            ? Record(new E.ContentStored(c.At, state.Blobs[c.Key] with { Labels = labels, UpdatedAt = c.At }))
            : BadMask(c.Paths, $"content {c.Key.Digest}"),
        DeleteContent c => state.Blobs.ContainsKey(c.Key) ? Record(new E.ContentDeleted(c.At, c.Key)) : NoContent(c.Key),

        PrepareSnapshot c => Prepare(state, c),
        CommitSnapshot c => Commit(state, c),
        UpdateSnapshot c when !state.Snapshots.ContainsKey(c.Key) => NoSnapshot(c.Key.Name),
        UpdateSnapshot c => FieldMask.ApplyToLabels(state.Snapshots[c.Key].Labels, c.Labels, c.Paths) is { } labels
            ? Record(new E.SnapshotStored(c.At, state.Snapshots[c.Key] with { Labels = labels, UpdatedAt = c.At }, New: false))
            : BadMask(c.Paths, $"snapshot \"{c.Key.Name}\""),
        RemoveSnapshot c when !state.Snapshots.ContainsKey(c.Key) => NoSnapshot(c.Key.Name),
        RemoveSnapshot c when state.Snapshots.Values.Any(s => s.ParentKey == c.Key) =>
            Refuse(RefusalCode.FailedPrecondition, "cannot remove snapshot with child: failed precondition"),
        RemoveSnapshot c => Record(new E.SnapshotRemoved(c.At, c.Key)),

        Collect => new MetadataDecision(garbage(), null),
        _ => throw new UnreachableException(command.ToString()),
    };

    /// <summary>The state after the event.</summary>
    public static MetadataState Apply(MetadataState state, MetadataEvent @event) => @event switch
    {
        E.ImageStored e => state with { Images = state.Images.SetItem(e.Image.Key, e.Image) },
        E.ImageDeleted e => state with { Images = state.Images.Remove(e.Key) },
        E.ContentStored e => state with { Blobs = state.Blobs.SetItem(e.Blob.Key, e.Blob) },
        E.ContentDeleted e => state with { Blobs = state.Blobs.Remove(e.Key) },
        E.SnapshotStored e => state with { Snapshots = state.Snapshots.SetItem(e.Snapshot.Key, e.Snapshot) },
        E.SnapshotCommitted e => state with
        {
            Snapshots = state.Snapshots.Remove(e.Snapshot.Key with { Name = e.Key }).SetItem(e.Snapshot.Key, e.Snapshot),
        },
        E.SnapshotRemoved e => state with { Snapshots = state.Snapshots.Remove(e.Key) },
        E.Compacted e => new MetadataState(
            e.Images.ToImmutableDictionary(i => i.Key), e.Blobs.ToImmutableDictionary(b => b.Key),
                e.Snapshots.ToImmutableDictionary(s => s.Key)),
        _ => throw new UnreachableException(@event.ToString()),
    };

    /// <summary>The files that no record names after these events.</summary>
    public static ImmutableArray<Freed> Freed(MetadataState before, MetadataState after, IEnumerable<MetadataEvent> events)
    {
        var freed = ImmutableArray.CreateBuilder<Freed>();
        HashSet<string>? named = null;
        foreach (var @event in events)
        {
            if (@event is E.SnapshotRemoved s) freed.Add(new Freed(null, s.Key.Snapshotter, before.Snapshots[s.Key].Id));
            if (@event is not E.ContentDeleted c) continue;
            named ??= after.Blobs.Values.Select(b => b.File).ToHashSet(StringComparer.Ordinal);
            if (named.Add(before.Blobs[c.Key].File)) freed.Add(new Freed(before.Blobs[c.Key].File, null, 0));
        }
        return freed.ToImmutable();
    }

    private static MetadataDecision Prepare(MetadataState state, PrepareSnapshot c)
    {
        if (state.Snapshots.ContainsKey(c.Key))
            return Refuse(RefusalCode.AlreadyExists, $"snapshot \"{c.Key.Name}\": already exists");
        if (c.Labels.GetValueOrDefault(TargetLabel) is { } target && state.Snapshots.ContainsKey(c.Key with { Name = target }))
            return Refuse(RefusalCode.AlreadyExists, $"target snapshot \"{target}\": already exists");
        if (c.Parent.Length > 0)
        {
            if (!state.Snapshots.TryGetValue(c.Key with { Name = c.Parent }, out var parent))
                return Refuse(RefusalCode.NotFound, $"parent snapshot {c.Parent} does not exist: not found");
            if (parent.Kind is not SnapshotKind.Committed)
                return Refuse(RefusalCode.InvalidArgument, $"parent \"{c.Parent}\" is not committed snapshot: invalid argument");
        }
        return Record(new E.SnapshotStored(c.At, new SnapshotRecord(
            c.Namespace, c.Key.Snapshotter, c.Key.Name, c.Parent, c.Kind, c.Id, FieldMask.WithoutEmpty(c.Labels), c.At, c.At,
                0, 0),
                New: true));
    }

    private static MetadataDecision Commit(MetadataState state, CommitSnapshot c)
    {
        if (!state.Snapshots.TryGetValue(c.Key, out var active)) return NoSnapshot(c.Key.Name);
        if (active.Kind is not SnapshotKind.Active)
            return Refuse(RefusalCode.FailedPrecondition, $"snapshot {c.Key.Name} is not active: failed precondition");
        if (state.Snapshots.ContainsKey(c.Key with { Name = c.Name }))
            return Refuse(RefusalCode.AlreadyExists, $"snapshot \"{c.Name}\": already exists");
        return Record(new E.SnapshotCommitted(c.At, c.Key.Name, active with
        {
            Name = c.Name, Kind = SnapshotKind.Committed, Labels = FieldMask.WithoutEmpty(c.Labels), CreatedAt = c.At,
            UpdatedAt = c.At,
                Size = c.Size, Inodes = c.Inodes,
        }));
    }

    private static MetadataDecision Change(ImageRecord old, UpdateImage c)
    {
        var given = c.Image;
        var changed = c.Paths.IsEmpty ? given with { Labels = FieldMask.WithoutEmpty(given.Labels) } : old;
        foreach (var path in c.Paths)
        {
            if (path == "target")
                changed = given with { Labels = changed.Labels };
            else if (FieldMask.Apply(changed.Labels, given.Labels, path, "labels") is { } labels)
                changed = changed with { Labels = FieldMask.WithoutEmpty(labels) };
            else if (FieldMask.Apply(changed.Annotations, given.Annotations, path, "annotations") is { } annotations)
                changed = changed with { Annotations = FieldMask.WithoutEmpty(annotations) };
            else return BadMask([path], $"image \"{given.Name}\"");
        }
        if (TargetFault(changed.MediaType, changed.Digest, changed.Size) is { } fault)
            return Refuse(RefusalCode.InvalidArgument, fault);
        return Record(new E.ImageStored(c.At, changed with { CreatedAt = old.CreatedAt, UpdatedAt = c.At }, New: false));
    }

    /// <summary>What is wrong with an image's target; null if it is valid.</summary>
    public static string? TargetFault(string mediaType, string digest, long size)
    {
        if (Storage.Content.Digest.TryParse(digest) is null)
            return $"Target.Digest \"{digest}\" invalid: invalid checksum digest format: invalid argument";
        if (size <= 0) return "Target.Size must be greater than zero: invalid argument";
        return mediaType.Length == 0 ? "Target.MediaType must be set: invalid argument" : null;
    }

    // Namespaces share the file of a blob that each of them has written itself.
    private static string? FileOf(MetadataState state, string digest) =>
        state.Blobs.Values.FirstOrDefault(b => b.Digest == digest)?.File;

    private static MetadataDecision Record(MetadataEvent @event) => new([@event], null);

    private static MetadataDecision NoImage(ImageKey key) => Refuse(RefusalCode.NotFound, $"image \"{key.Name}\": not found");

    private static MetadataDecision NoContent(BlobKey key) =>
        Refuse(RefusalCode.NotFound, $"content digest {key.Digest}: not found");

    private static MetadataDecision NoSnapshot(string name) =>
        Refuse(RefusalCode.NotFound, $"snapshot {name} does not exist: not found");

    private static MetadataDecision BadMask(IEnumerable<string> paths, string what) =>
        Refuse(RefusalCode.InvalidArgument,
            $"update_mask: cannot update \"{string.Join(", ", paths)}\" of {what}: invalid argument");

    private static MetadataDecision Refuse(RefusalCode code, string message) => new([], new Refusal(code, message));
}
