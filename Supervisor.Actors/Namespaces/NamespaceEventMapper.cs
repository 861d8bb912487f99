using Containerd.Events;
using Google.Protobuf;

namespace Supervisor.Actors.Namespaces;

/// <summary>Namespace events as containerd's subscribers see them.</summary>
internal static class NamespaceEventMapper
{
    /// <summary>Null for an unpublished event: a namespace created by its first use.</summary>
    public static string? TopicOf(NamespaceEvent @event) => @event switch
    {
        NamespaceEvent.Created { PublishedIn.Length: > 0 } => "/namespaces/create",
        NamespaceEvent.Updated { PublishedIn.Length: > 0 } => "/namespaces/update",
        NamespaceEvent.Deleted => "/namespaces/delete",
        _ => null,
    };

    /// <summary>The message of an event that has a topic, and the namespace in which it is published.</summary>
    public static (string Namespace, IMessage Message) MessageOf(NamespaceEvent @event) => @event switch
    {
        NamespaceEvent.Created e => (e.PublishedIn, new NamespaceCreate { Name = e.Name, Labels = { e.Labels } }),
        NamespaceEvent.Updated e => (e.PublishedIn, new NamespaceUpdate { Name = e.Name, Labels = { e.Labels } }),
        // In the deleted namespace itself, as containerd 1.6.20 does.
        NamespaceEvent.Deleted e => (e.Name, new NamespaceDelete { Name = e.Name }),
        _ => throw new ArgumentException($"{@event.GetType()} is not published", nameof(@event)),
    };
}
