using Google.Protobuf;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Actors.Namespaces;
using Supervisor.Actors.Tasks;
using Supervisor.Persistence.Sqlite.Journal;

namespace Supervisor.Actors.Events;

/// <summary>
/// Maps journalled events to what subscribers see. The journal's event is the record: live delivery, the history and the event
/// stream are views of it, made here.
/// </summary>
internal static class EventMappers
{
    /// <summary>The topic under which a journalled event is published; null if it is not.</summary>
    public static string? TopicOf(object @event) => @event switch
    {
        TaskEvent e => TaskEventMapper.TopicOf(e),
        ExecEvent e => ExecEventMapper.TopicOf(e),
        ContainerEvent e => ContainerEventMapper.TopicOf(e),
        NamespaceEvent e => NamespaceEventMapper.TopicOf(e),
        MetadataEvent e => MetadataEventMapper.TopicOf(e),
        ClientEvent e => e.Topic,
        _ => null,
    };

    /// <summary>The view of an event that has a topic.</summary>
    public static PublishedEvent Map(TaggedEvent journalled)
    {
        switch (journalled.Event)
        {
            case TaskEvent e:
                var task = PersistenceIds.Container(journalled.PersistenceId);
                return Published(e.At, task.Namespace, TaskEventMapper.MessageOf(e, task));
            case ExecEvent e:
                var exec = PersistenceIds.Exec(journalled.PersistenceId);
                return Published(e.At, exec.Container.Namespace, ExecEventMapper.MessageOf(e, exec));
            case ContainerEvent e:
                var container = PersistenceIds.Container(journalled.PersistenceId);
                return Published(e.At, container.Namespace, ContainerEventMapper.MessageOf(e, container));
            case NamespaceEvent e:
                var (@namespace, message) = NamespaceEventMapper.MessageOf(e);
                return Published(e.At, @namespace, message);
            case MetadataEvent e:
                var (owner, change) = MetadataEventMapper.MessageOf(e);
                return Published(e.At, owner, change);
            case ClientEvent e:
                return new PublishedEvent(journalled.Offset, journalled.Previous, e.At, e.Namespace, e.Topic, e.Event);
            default:
                throw new ArgumentException($"{journalled.Event.GetType()} is not published", nameof(journalled));
        }

        PublishedEvent Published(DateTimeOffset at, string @namespace, IMessage message) => new(
            journalled.Offset, journalled.Previous, at, @namespace, TopicOf(journalled.Event)!, Envelopes.Pack(message));
    }
}
