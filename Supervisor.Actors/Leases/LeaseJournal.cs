using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Journalled = Supervisor.Journal.V1;

namespace Supervisor.Actors.Leases;

/// <summary>Lease events as bytes: journal/v1/leases.proto. The manifest is the message's full name.</summary>
public static class LeaseJournal
{
    /// <summary>The message to journal; its <c>Descriptor.FullName</c> is the manifest.</summary>
    public static IMessage ToProto(LeaseEvent @event) => @event switch
    {
        LeaseEvent.Created e => new Journalled.LeaseCreated { At = Time(e.At), Key = Key(e.Key), Labels = { e.Labels } },
        LeaseEvent.Deleted e => new Journalled.LeaseDeleted { At = Time(e.At), Key = Key(e.Key) },
        LeaseEvent.ResourceAdded e =>
            new Journalled.LeaseResourceAdded { At = Time(e.At), Key = Key(e.Key), Resource = Resource(e.Resource) },
        LeaseEvent.ResourceRemoved e =>
            new Journalled.LeaseResourceRemoved { At = Time(e.At), Key = Key(e.Key), Resource = Resource(e.Resource) },
        LeaseEvent.Compacted e => new Journalled.LeasesCompacted { At = Time(e.At), Leases = { e.Leases.Select(Snapshot) } },
        _ => throw new UnreachableException(@event.ToString()),
    };

    /// <summary>The event that was journalled; null when the manifest names no lease event.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are not such a message.</exception>
    public static LeaseEvent? FromProto(string manifest, ReadOnlyMemory<byte> bytes)
    {
        switch (manifest)
        {
            case "supervisor.journal.v1.LeaseCreated":
                var created = Journalled.LeaseCreated.Parser.ParseFrom(bytes.Span);
                return new LeaseEvent.Created(
                    created.At.ToDateTimeOffset(), Key(created.Key), created.Labels.ToSortedDictionary());
            case "supervisor.journal.v1.LeaseDeleted":
                var deleted = Journalled.LeaseDeleted.Parser.ParseFrom(bytes.Span);
                return new LeaseEvent.Deleted(deleted.At.ToDateTimeOffset(), Key(deleted.Key));
            case "supervisor.journal.v1.LeaseResourceAdded":
                var added = Journalled.LeaseResourceAdded.Parser.ParseFrom(bytes.Span);
                return new LeaseEvent.ResourceAdded(added.At.ToDateTimeOffset(), Key(added.Key), Resource(added.Resource));
            case "supervisor.journal.v1.LeaseResourceRemoved":
                var removed = Journalled.LeaseResourceRemoved.Parser.ParseFrom(bytes.Span);
                return new LeaseEvent.ResourceRemoved(
                    removed.At.ToDateTimeOffset(), Key(removed.Key), Resource(removed.Resource));
            case "supervisor.journal.v1.LeasesCompacted":
                var compacted = Journalled.LeasesCompacted.Parser.ParseFrom(bytes.Span);
                return new LeaseEvent.Compacted(compacted.At.ToDateTimeOffset(), [.. compacted.Leases.Select(Lease)]);
            default:
                return null;
        }
    }

    private static Journalled.LeaseSnapshot Snapshot(Lease lease) => new()
    {
        Key = Key(lease.Key),
        CreatedAt = Time(lease.CreatedAt),
        Labels = { lease.Labels },
        Resources = { lease.Resources.Select(Resource).OrderBy(r => r.Type, StringComparer.Ordinal)
            .ThenBy(r => r.Id, StringComparer.Ordinal) },
    };

    private static Lease Lease(Journalled.LeaseSnapshot m) =>
        new(Key(m.Key), m.CreatedAt.ToDateTimeOffset(), m.Labels.ToSortedDictionary(), [.. m.Resources.Select(Resource)]);

    private static Timestamp Time(DateTimeOffset at) => Timestamp.FromDateTimeOffset(at);

    private static Journalled.LeaseKey Key(LeaseKey key) => new() { Namespace = key.Namespace, Id = key.Id };

    private static LeaseKey Key(Journalled.LeaseKey m) => new(m.Namespace, m.Id);

    private static Journalled.LeasedResource Resource(LeasedResource resource) =>
        new() { Type = resource.Type, Id = resource.Id };

    private static LeasedResource Resource(Journalled.LeasedResource m) => new(m.Type, m.Id);
}
