using Containerd.Events;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;

namespace Supervisor.Actors.Namespaces;

/// <summary>What containerd's subscribers are told of a <see cref="NamespaceEvent"/>.</summary>
internal static class NamespaceTelling
{
    /// <summary>Null for what is told to nobody.</summary>
    public static PublishEvent? Of(NamespaceEvent @event, string source, long sourceNumber)
    {
        return @event switch
        {
            NamespaceEvent.Created { ToldIn.Length: > 0 } e =>
                Tell(e.ToldIn, "/namespaces/create", new NamespaceCreate { Name = e.Name, Labels = { e.Labels } }),
            NamespaceEvent.Updated { ToldIn.Length: > 0 } e =>
                Tell(e.ToldIn, "/namespaces/update", new NamespaceUpdate { Name = e.Name, Labels = { e.Labels } }),
            // The deleted namespace itself: where containerd 1.6.20 tells it.
            NamespaceEvent.Deleted e => Tell(e.Name, "/namespaces/delete", new NamespaceDelete { Name = e.Name }),
            _ => null,
        };

        // containerd's type URLs have no "type.googleapis.com/" in front.
        PublishEvent Tell(string @namespace, string topic, IMessage body) => new(
            source, sourceNumber, @event.At, @namespace, topic,
            new Any { TypeUrl = body.Descriptor.FullName, Value = body.ToByteString() });
    }
}
