using System.Runtime.Serialization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Journal.V1;
using Supervisor.Persistence.Sqlite;
using E = Supervisor.Actors.Containers.ContainerEvent;
using Kind = Supervisor.Journal.V1.ContainerEntry.EventOneofCase;

namespace Supervisor.Actors.Containers;

/// <summary>A container's events, and the registry's, as journal/v1/container.proto.</summary>
internal static class ContainerJournal
{
    public static ContainerEntry ToProto(ContainerEvent @event)
    {
        var entry = new ContainerEntry { At = @event.At.ToTimestamp() };
        switch (@event)
        {
            case E.Created e: entry.Created = Record(e.Record); break;
            case E.Updated e: entry.Updated = Record(e.Record); break;
            case E.Deleted: entry.Deleted = new ContainerDeleted(); break;
            default: throw new SerializationException($"{@event.GetType()} has no place in journal/v1/container.proto");
        }
        return entry;
    }

    public static ContainerEvent FromProto(ContainerEntry entry)
    {
        var at = entry.At.ToDateTimeOffset();
        return entry.EventCase switch
        {
            Kind.Created => new E.Created(at, Record(entry.Created)),
            Kind.Updated => new E.Updated(at, Record(entry.Updated)),
            Kind.Deleted => new E.Deleted(at),
            var other => throw new SerializationException(
                $"a container's journal holds event {(int)other}, which this version does not know: it was written by a newer "
                + "one"),
        };
    }

    public static RegistryEntry ToProto(ContainerRegistered e) =>
        new() { Namespace = e.Id.Namespace, Id = e.Id.Value, Present = e.Present };

    public static ContainerRegistered FromProto(RegistryEntry entry) =>
        new(ContainerId.Parse(entry.Namespace, entry.Id), entry.Present);

    public static Supervisor.Journal.V1.RegistryCompacted ToProto(Containers.RegistryCompacted e) =>
        new() { Present = { e.Present.Select(
            id => new RegistryEntry { Namespace = id.Namespace, Id = id.Value, Present = true }) } };

    /// <summary>The event that these containers are registered, and no others, for a registry that is rebuilt.</summary>
    public static ReplacingEvent Registered(IEnumerable<ContainerId> containers) => new(
        JournalContents.Registry, CompactedManifest, JournalConfig.Serializer,
        ToProto(new Containers.RegistryCompacted([.. containers])).ToByteArray());

    public const string CompactedManifest = "registry-compacted.v1";

    public static Containers.RegistryCompacted FromProto(Supervisor.Journal.V1.RegistryCompacted entry) =>
        new([.. entry.Present.Select(e => ContainerId.Parse(e.Namespace, e.Id))]);

    private static ContainerRecordEntry Record(ContainerRecord record) => new()
    {
        Namespace = record.Id.Namespace,
        Id = record.Id.Value,
        Labels = { record.Labels },
        Image = record.Image,
        RuntimeName = record.RuntimeName,
        RuntimeOptions = record.RuntimeOptions,
        Spec = record.Spec,
        Snapshotter = record.Snapshotter,
        SnapshotKey = record.SnapshotKey,
        Extensions = { record.Extensions },
        Sandbox = record.Sandbox,
        CreatedAt = record.CreatedAt.ToTimestamp(),
        UpdatedAt = record.UpdatedAt.ToTimestamp(),
    };

    private static ContainerRecord Record(ContainerRecordEntry entry) => new(
        ContainerId.Parse(entry.Namespace, entry.Id),
        entry.Labels.ToSortedDictionary(),
        entry.Image,
        entry.RuntimeName,
        entry.RuntimeOptions,
        entry.Spec,
        entry.Snapshotter,
        entry.SnapshotKey,
        entry.Extensions.ToSortedDictionary(),
        entry.Sandbox,
        entry.CreatedAt.ToDateTimeOffset(),
        entry.UpdatedAt.ToDateTimeOffset());
}
