using Containerd.Events;
using Containerd.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using E = Supervisor.Actors.Tasks.TaskEvent;

namespace Supervisor.Actors.Tasks;

/// <summary>A task's events in containerd's words.</summary>
internal static class TaskTopics
{
    /// <param name="before">The state that the event changes.</param>
    /// <returns>Null for an event that is nobody's business: an intent.</returns>
    public static PublishEvent? Of(TaskEvent e, TaskState before, ContainerId id, string source, long number)
    {
        var pid = (uint)((before as TaskState.WithInit)?.Init.Pid ?? 0);
        (string, IMessage)? told = e switch
        {
            E.Created c when before is TaskState.Creating s => ("/tasks/create", Created(c.Init.Pid, s.Setup, id)),
            E.RestorePrepared p => ("/tasks/create", Created(0, p.Setup, id, p.Restore.Source.Images)),
            E.Restored r => ("/tasks/start", new TaskStart { ContainerId = id.Value, Pid = (uint)r.Init.Pid }),
            E.Checkpointed c => ("/tasks/checkpointed", new TaskCheckpointed { ContainerId = id.Value, Checkpoint = c.Images }),
            E.Started => ("/tasks/start", new TaskStart { ContainerId = id.Value, Pid = pid }),
            E.Paused => ("/tasks/paused", new TaskPaused { ContainerId = id.Value }),
            E.Resumed => ("/tasks/resumed", new TaskResumed { ContainerId = id.Value }),
            E.OomKilled => ("/tasks/oom", new TaskOOM { ContainerId = id.Value }),
            E.Exited x => ("/tasks/exit", Exit(x.Exit)),
            E.StartFailed x => ("/tasks/exit", Exit(x.Exit)),
            E.Deleted => ("/tasks/delete", Deleted(before, id, pid)),
            _ => null,
        };
        if (told is not var (topic, message)) return null;
        return new PublishEvent(source, number, e.At, id.Namespace, topic, Envelopes.Pack(message), WantsAnswer: e is E.Deleted);

        Containerd.Events.TaskExit Exit(TaskExit exit) => new()
        {
            ContainerId = id.Value, Id = id.Value, Pid = pid, ExitStatus = (uint)exit.Status, ExitedAt = exit.At.ToTimestamp(),
        };
    }

    private static TaskCreate Created(int pid, TaskSetup setup, ContainerId id, string checkpoint = "") => new()
    {
        ContainerId = id.Value,
        Bundle = setup.Bundle,
        Rootfs = { setup.Rootfs.Select(m => new Mount { Type = m.Type, Source = m.Source, Target = m.Target, Options = { m.Options } }) },
        Io = new TaskIO { Stdin = setup.Stdio.Stdin, Stdout = setup.Stdio.Stdout, Stderr = setup.Stdio.Stderr, Terminal = setup.Stdio.Terminal },
        Checkpoint = checkpoint,
        Pid = (uint)pid,
    };

    private static TaskDelete Deleted(TaskState before, ContainerId id, uint pid)
    {
        var exit = (before as TaskState.Deleting)?.Exit;
        return new TaskDelete
        {
            ContainerId = id.Value, Pid = pid, ExitStatus = (uint)(exit?.Status ?? 255), ExitedAt = (exit?.At ?? DateTimeOffset.UnixEpoch).ToTimestamp(),
        };
    }
}
