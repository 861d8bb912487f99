using Containerd.Events;
using Google.Protobuf;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Containers;

/// <summary>A container's events as containerd's subscribers see them.</summary>
internal static class ContainerEventMapper
{
    /// <summary>Every one is published.</summary>
    public static string TopicOf(ContainerEvent e) => e switch
    {
        ContainerEvent.Created => "/containers/create",
        ContainerEvent.Updated => "/containers/update",
        _ => "/containers/delete",
    };

    /// <summary>The message.</summary>
    public static IMessage MessageOf(ContainerEvent @event, ContainerId id) => @event switch
    {
        ContainerEvent.Created e => new ContainerCreate
        {
            Id = id.Value,
            Image = e.Record.Image,
            Runtime = new ContainerCreate.Types.Runtime { Name = e.Record.RuntimeName, Options = e.Record.RuntimeOptions },
        },
        ContainerEvent.Updated e => new ContainerUpdate
        {
            Id = id.Value, Image = e.Record.Image, SnapshotKey = e.Record.SnapshotKey, Labels = { e.Record.Labels },
        },
        _ => new ContainerDelete { Id = id.Value },
    };
}
