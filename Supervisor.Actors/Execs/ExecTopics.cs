using Containerd.Events;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;
using E = Supervisor.Actors.Execs.ExecEvent;

namespace Supervisor.Actors.Execs;

/// <summary>An exec's events in containerd's words.</summary>
internal static class ExecTopics
{
    /// <param name="before">The state that the event changes.</param>
    /// <returns>Null for an event that is nobody's business: an intent, and the delete.</returns>
    public static PublishEvent? Of(ExecEvent e, ExecState before, ExecId id, string source, long number)
    {
        var pid = (uint)((before as ExecState.WithProcess)?.Process.Pid ?? 0);
        (string, IMessage)? told = e switch
        {
            E.Added => ("/tasks/exec-added", new TaskExecAdded { ContainerId = id.Container.Value, ExecId = id.Value }),
            E.Started => ("/tasks/exec-started", new TaskExecStarted { ContainerId = id.Container.Value, ExecId = id.Value, Pid = pid }),
            E.Exited x => ("/tasks/exit", new TaskExit
            {
                ContainerId = id.Container.Value, Id = id.Value, Pid = pid, ExitStatus = (uint)x.Exit.Status, ExitedAt = x.Exit.At.ToTimestamp(),
            }),
            _ => null,
        };
        if (told is not var (topic, message)) return null;
        return new PublishEvent(source, number, e.At, id.Container.Namespace, topic, Envelopes.Pack(message), WantsAnswer: true);
    }
}
