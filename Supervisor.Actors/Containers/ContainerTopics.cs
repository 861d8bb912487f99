using Containerd.Events;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Containers;

/// <summary>A container's events in containerd's words.</summary>
internal static class ContainerTopics
{
    public static PublishEvent Of(ContainerEvent e, ContainerId id, string source, long number)
    {
        var (topic, message) = e switch
        {
            ContainerEvent.Created c => ("/containers/create", Envelopes.Pack(Created(c.Record))),
            ContainerEvent.Updated c => ("/containers/update", Envelopes.Pack(new ContainerUpdate
            {
                Id = id.Value, Image = c.Record.Image, SnapshotKey = c.Record.SnapshotKey, Labels = { c.Record.Labels },
            })),
            _ => ("/containers/delete", Envelopes.Pack(new ContainerDelete { Id = id.Value })),
        };
        return new PublishEvent(source, number, e.At, id.Namespace, topic, message, WantsAnswer: e is ContainerEvent.Deleted);
    }

    private static ContainerCreate Created(ContainerRecord record) => new()
    {
        Id = record.Id.Value,
        Image = record.Image,
        Runtime = new ContainerCreate.Types.Runtime { Name = record.RuntimeName, Options = record.RuntimeOptions },
    };
}
