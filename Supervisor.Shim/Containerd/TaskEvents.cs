using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Plans;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>One event for containerd.</summary>
/// <param name="Type">The message's name within containerd.events.</param>
/// <param name="IsExit">It must not be lost: it says how a process ended.</param>
internal sealed record TaskEvent(string Topic, string Type, byte[] Body, DateTimeOffset At, bool IsExit = false)
{
    /// <summary>ForwardRequest{envelope}.</summary>
    public byte[] ToForwardRequest(string @namespace) => new WireWriter().Message(1, new WireWriter()
        .Message(1, TaskEvents.Timestamp(At)).Text(2, @namespace).Text(3, Topic)
        .Message(4, new AnyMessage("containerd.events." + Type, Body).Write())).Written.ToArray();
}

/// <summary>The events of tasks: containerd.events.</summary>
internal static class TaskEvents
{
    /// <summary>google.protobuf.Timestamp.</summary>
    public static WireWriter Timestamp(DateTimeOffset at)
    {
        var (seconds, ticks) = Math.DivRem(at.UtcTicks - DateTimeOffset.UnixEpoch.Ticks, TimeSpan.TicksPerSecond);
        if (ticks < 0) (seconds, ticks) = (seconds - 1, ticks + TimeSpan.TicksPerSecond);
        return new WireWriter().Signed(1, seconds).Signed(2, ticks * 100);
    }

    /// <summary>Go's zero time, 0001-01-01, which clients take for "not yet".</summary>
    public static WireWriter Never { get; } = new WireWriter().Signed(1, -62135596800);

    public static TaskEvent Created(TaskProcess init, IReadOnlyList<RootMount> rootfs, string checkpoint)
    {
        var body = new WireWriter().Text(1, init.ContainerId).Text(2, init.Bundle);
        foreach (var mount in rootfs)
        {
            var message = new WireWriter().Text(1, mount.Type).Text(2, mount.Source).Text(3, mount.Target);
            foreach (var option in mount.Options) message.Text(4, option);
            body.Message(3, message);
        }
        body.Message(4, new WireWriter().Text(1, init.Stdio.Stdin).Text(2, init.Stdio.Stdout).Text(3, init.Stdio.Stderr)
            .Flag(4, init.Stdio.Terminal));
        return Of("/tasks/create", "TaskCreate", body.Text(5, checkpoint).Number(6, (uint)init.Pid));
    }

    public static TaskEvent Started(TaskProcess process) => process.ExecId.Length == 0
        ? Of("/tasks/start", "TaskStart", new WireWriter().Text(1, process.ContainerId).Number(2, (uint)process.Pid))
        : Of("/tasks/exec-started", "TaskExecStarted",
            new WireWriter().Text(1, process.ContainerId).Text(2, process.ExecId).Number(3, (uint)process.Pid));

    public static TaskEvent ExecAdded(TaskProcess exec) =>
        Of("/tasks/exec-added", "TaskExecAdded", new WireWriter().Text(1, exec.ContainerId).Text(2, exec.ExecId));

    public static TaskEvent Exited(TaskProcess process, TaskExit exit) => Of(
        "/tasks/exit", "TaskExit",
        new WireWriter().Text(1, process.ContainerId).Text(2, process.Id).Number(3, (uint)process.Pid).Number(4, exit.Status)
            .Message(5, Timestamp(exit.At))) with { IsExit = true };

    public static TaskEvent Deleted(TaskProcess init, TaskExit exit) => Of(
        "/tasks/delete", "TaskDelete",
        new WireWriter().Text(1, init.ContainerId).Number(2, (uint)init.Pid).Number(3, exit.Status)
            .Message(4, Timestamp(exit.At))) with { IsExit = true };

    public static TaskEvent OutOfMemory(string id) => Of("/tasks/oom", "TaskOOM", new WireWriter().Text(1, id));

    public static TaskEvent Paused(string id) => Of("/tasks/paused", "TaskPaused", new WireWriter().Text(1, id));

    public static TaskEvent Resumed(string id) => Of("/tasks/resumed", "TaskResumed", new WireWriter().Text(1, id));

    public static TaskEvent Checkpointed(string id, CheckpointOptions options) =>
        Of("/tasks/checkpointed", "TaskCheckpointed", new WireWriter().Text(1, id).Text(2, options.ImageDirectory));

    private static TaskEvent Of(string topic, string type, WireWriter body) =>
        new(topic, type, body.Written.ToArray(), DateTimeOffset.UtcNow);
}
