using Containerd.Events;
using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Client.Events;

/// <summary>An event as a daemon sends it.</summary>
internal sealed record PublishedEvent(long Number, Timestamp? Timestamp, string Topic, Any Body)
{
    public ProcessEvent ToProcessEvent()
    {
        var common = new ProcessEvent
        {
            Kind = EventKind.Unknown, Topic = Topic, Number = Number, Timestamp = Timestamp?.ToDateTimeOffset() ?? default,
        };
        var bytes = Body.Value;
        return Topic switch
        {
            "/tasks/exit" => Exit(common, TaskExit.Parser.ParseFrom(bytes)),
            "/tasks/oom" => Of(common, EventKind.Oom, TaskOOM.Parser.ParseFrom(bytes).ContainerId),
            "/tasks/create" => Create(common, TaskCreate.Parser.ParseFrom(bytes)),
            "/tasks/start" => Start(common, TaskStart.Parser.ParseFrom(bytes)),
            "/tasks/exec-added" => Added(common, TaskExecAdded.Parser.ParseFrom(bytes)),
            "/tasks/exec-started" => Started(common, TaskExecStarted.Parser.ParseFrom(bytes)),
            "/tasks/paused" => Of(common, EventKind.Paused, TaskPaused.Parser.ParseFrom(bytes).ContainerId),
            "/tasks/resumed" => Of(common, EventKind.Resumed, TaskResumed.Parser.ParseFrom(bytes).ContainerId),
            "/tasks/delete" => Deleted(common, TaskDelete.Parser.ParseFrom(bytes)),
            "/tasks/checkpointed" => Of(common, EventKind.Unknown, TaskCheckpointed.Parser.ParseFrom(bytes).ContainerId),
            _ => common,
        };
    }

    private static ProcessEvent Of(ProcessEvent e, EventKind kind, string container, string process = "", uint pid = 0) => e with
    {
        Kind = kind, ContainerId = container, ProcessId = process.Length > 0 ? process : container, Pid = (int)pid,
    };

    private static ProcessEvent Exit(ProcessEvent e, TaskExit exit) =>
        Of(e, EventKind.Exit, exit.ContainerId, exit.Id, exit.Pid) with
        {
            ExitCode = (int)exit.ExitStatus, ExitedAt = exit.ExitedAt?.ToDateTimeOffset(),
        };

    private static ProcessEvent Create(ProcessEvent e, TaskCreate create) =>
        Of(e, EventKind.Create, create.ContainerId, pid: create.Pid);

    private static ProcessEvent Start(ProcessEvent e, TaskStart start) =>
        Of(e, EventKind.Start, start.ContainerId, pid: start.Pid);

    private static ProcessEvent Added(ProcessEvent e, TaskExecAdded added) =>
        Of(e, EventKind.ExecAdded, added.ContainerId, added.ExecId);

    private static ProcessEvent Started(ProcessEvent e, TaskExecStarted started) =>
        Of(e, EventKind.ExecStarted, started.ContainerId, started.ExecId, started.Pid);

    private static ProcessEvent Deleted(ProcessEvent e, TaskDelete deleted) =>
        Of(e, EventKind.Unknown, deleted.ContainerId, deleted.Id, deleted.Pid);
}
