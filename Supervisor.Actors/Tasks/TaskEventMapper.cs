using Containerd.Events;
using Containerd.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;
using E = Supervisor.Actors.Tasks.TaskEvent;

namespace Supervisor.Actors.Tasks;

/// <summary>A task's events as containerd's subscribers see them.</summary>
internal static class TaskEventMapper
{
    /// <summary>Null for an event that is not published: an intent.</summary>
    public static string? TopicOf(TaskEvent e) => e switch
    {
        E.Created { Setup: not null } or E.RestorePrepared => "/tasks/create",
        E.Restored or E.Started => "/tasks/start",
        E.Checkpointed => "/tasks/checkpointed",
        E.Paused => "/tasks/paused",
        E.Resumed => "/tasks/resumed",
        E.OomKilled => "/tasks/oom",
        E.Exited or E.StartFailed => "/tasks/exit",
        E.Deleted => "/tasks/delete",
        _ => null,
    };

    /// <summary>The message of an event that has a topic.</summary>
    public static IMessage MessageOf(TaskEvent @event, ContainerId id) => @event switch
    {
        E.Created e => Created(e.Init.Pid, e.Setup!, id),
        E.RestorePrepared e => Created(0, e.Setup, id, e.Restore.Source.Images),
        E.Restored e => new TaskStart { ContainerId = id.Value, Pid = (uint)e.Init.Pid },
        E.Checkpointed e => new TaskCheckpointed { ContainerId = id.Value, Checkpoint = e.Images },
        E.Started e => new TaskStart { ContainerId = id.Value, Pid = (uint)e.Pid },
        E.Paused => new TaskPaused { ContainerId = id.Value },
        E.Resumed => new TaskResumed { ContainerId = id.Value },
        E.OomKilled => new TaskOOM { ContainerId = id.Value },
        E.Exited e => Exit(e.Exit, e.Pid, id),
        E.StartFailed e => Exit(e.Exit, e.Pid, id),
        E.Deleted e => Deleted(e, id),
        _ => throw new ArgumentException($"{@event.GetType()} is not published", nameof(@event)),
    };

    private static Containerd.Events.TaskExit Exit(TaskExit exit, int pid, ContainerId id) => new()
    {
        ContainerId = id.Value, Id = id.Value, Pid = (uint)pid, ExitStatus = (uint)exit.Status, ExitedAt = exit.At.ToTimestamp(),
    };

    private static TaskCreate Created(int pid, TaskSetup setup, ContainerId id, string checkpoint = "") => new()
    {
        ContainerId = id.Value,
        Bundle = setup.Bundle,
        Rootfs = { setup.Rootfs.Select(
            m => new Mount { Type = m.Type, Source = m.Source, Target = m.Target, Options = { m.Options } }) },
        Io = new TaskIO { Stdin = setup.Stdio.Stdin, Stdout = setup.Stdio.Stdout, Stderr = setup.Stdio.Stderr,
            Terminal = setup.Stdio.Terminal },
        Checkpoint = checkpoint,
        Pid = (uint)pid,
    };

    private static TaskDelete Deleted(E.Deleted e, ContainerId id) => new()
    {
        ContainerId = id.Value, Pid = (uint)e.Pid, ExitStatus = (uint)(e.Exit?.Status ?? 255),
        ExitedAt = (e.Exit?.At ?? DateTimeOffset.UnixEpoch).ToTimestamp(),
    };
}
