using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Journalled = Supervisor.Journal.V1;

namespace Supervisor.Actors.Namespaces;

/// <summary>Namespace events as bytes: journal/v1/namespaces.proto. The manifest is the message's full name.</summary>
public static class NamespaceJournal
{
    /// <summary>The message to journal; its <c>Descriptor.FullName</c> is the manifest.</summary>
    public static IMessage ToProto(NamespaceEvent @event) => @event switch
    {
        NamespaceEvent.Created e => new Journalled.NamespaceCreated
        {
            At = Timestamp.FromDateTimeOffset(e.At),
            Name = e.Name,
            Labels = { e.Labels },
            ToldIn = e.PublishedIn,
        },
        NamespaceEvent.Updated e => new Journalled.NamespaceUpdated
        {
            At = Timestamp.FromDateTimeOffset(e.At),
            Name = e.Name,
            Labels = { e.Labels },
            ToldIn = e.PublishedIn,
        },
        NamespaceEvent.Deleted e => new Journalled.NamespaceDeleted { At = Timestamp.FromDateTimeOffset(e.At), Name = e.Name },
        _ => throw new UnreachableException(@event.ToString()),
    };

    /// <summary>The event that was journalled; null when the manifest names no namespace event.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are not such a message.</exception>
    public static NamespaceEvent? FromProto(string manifest, ReadOnlyMemory<byte> bytes) => manifest switch
    {
        "supervisor.journal.v1.NamespaceCreated" => Created(Journalled.NamespaceCreated.Parser.ParseFrom(bytes.Span)),
        "supervisor.journal.v1.NamespaceUpdated" => Updated(Journalled.NamespaceUpdated.Parser.ParseFrom(bytes.Span)),
        "supervisor.journal.v1.NamespaceDeleted" => Deleted(Journalled.NamespaceDeleted.Parser.ParseFrom(bytes.Span)),
        _ => null,
    };

    private static NamespaceEvent.Created Created(Journalled.NamespaceCreated m) =>
        new(m.At.ToDateTimeOffset(), m.Name, m.Labels.ToSortedDictionary(), m.ToldIn);

    private static NamespaceEvent.Updated Updated(Journalled.NamespaceUpdated m) =>
        new(m.At.ToDateTimeOffset(), m.Name, m.Labels.ToSortedDictionary(), m.ToldIn);

    private static NamespaceEvent.Deleted Deleted(Journalled.NamespaceDeleted m) => new(m.At.ToDateTimeOffset(), m.Name);
}
