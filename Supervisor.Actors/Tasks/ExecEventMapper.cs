using Containerd.Events;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;
using E = Supervisor.Actors.Tasks.ExecEvent;

namespace Supervisor.Actors.Tasks;

/// <summary>An exec's events as containerd's subscribers see them.</summary>
internal static class ExecEventMapper
{
    /// <summary>Null for an event that is not published: an intent, and the delete.</summary>
    public static string? TopicOf(ExecEvent e) => e switch
    {
        E.Added => "/tasks/exec-added",
        E.Started => "/tasks/exec-started",
        E.Exited => "/tasks/exit",
        _ => null,
    };

    /// <summary>The message of an event that has a topic.</summary>
    public static IMessage MessageOf(ExecEvent @event, ExecId id) => @event switch
    {
        E.Added => new TaskExecAdded { ContainerId = id.Container.Value, ExecId = id.Value },
        E.Started e => new TaskExecStarted { ContainerId = id.Container.Value, ExecId = id.Value, Pid = (uint)e.Pid },
        E.Exited e => new Containerd.Events.TaskExit
        {
            ContainerId = id.Container.Value, Id = id.Value, Pid = (uint)e.Pid, ExitStatus = (uint)e.Exit.Status,
            ExitedAt = e.Exit.At.ToTimestamp(),
        },
        _ => throw new ArgumentException($"{@event.GetType()} is not published", nameof(@event)),
    };
}
