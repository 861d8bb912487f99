using System.Collections.Immutable;
using System.Runtime.Serialization;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Journal.V1;
using E = Supervisor.Actors.Tasks.TaskEvent;
using Kind = Supervisor.Journal.V1.TaskEntry.EventOneofCase;

namespace Supervisor.Actors.Tasks;

/// <summary>A task's events as journal/v1/task.proto.</summary>
internal static class TaskJournal
{
    public static TaskEntry ToProto(TaskEvent @event)
    {
        var entry = new TaskEntry { At = @event.At.ToTimestamp() };
        switch (@event)
        {
            case E.CreateRequested e: entry.CreateRequested = Setup(e.Setup); break;
            case E.Created e: entry.Created = Init(e.Init, e.CgroupPaths, e.Setup); break;
            case E.CreateFailed e: entry.CreateFailed = new TaskCreateFailed { Error = e.Error }; break;
            case E.RestorePrepared e:
                entry.RestorePrepared = new TaskRestorePrepared
                {
                    Setup = Setup(e.Setup), Images = e.Restore.Source.Images, Work = e.Restore.Source.Work,
                    Owned = e.Restore.Source.Owned, Spec = e.Restore.Spec,
                };
                break;
            case E.Restored e: entry.Restored = Init(e.Init, e.CgroupPaths); break;
            case E.RestoreFailed e: entry.RestoreFailed = new TaskCreateFailed { Error = e.Error }; break;
            case E.Checkpointed e: entry.Checkpointed = new TaskCheckpointed { Images = e.Images }; break;
            case E.StartRequested: entry.StartRequested = new TaskStartRequested(); break;
            case E.Started e: entry.Started = new TaskStarted { Pid = e.Pid }; break;
            case E.StartFailed e: entry.StartFailed = new Supervisor.Journal.V1.TaskStartFailed {
                Error = e.Error, Exit = Exit(e.Exit), Pid = e.Pid }; break;
            case E.DiedWhileStarting e: entry.DiedWhileStarting = new TaskExitSeen { Exit = Exit(e.Exit) }; break;
            case E.Paused: entry.Paused = new TaskPaused(); break;
            case E.Resumed: entry.Resumed = new TaskResumed(); break;
            case E.OomKilled: entry.OomKilled = new TaskOomKilled(); break;
            case E.Exited e: entry.Exited = new TaskExitSeen { Exit = Exit(e.Exit), Pid = e.Pid }; break;
            case E.DeleteRequested: entry.DeleteRequested = new TaskDeleteRequested(); break;
            case E.Deleted e: entry.Deleted = new TaskDeleted {
                Pid = e.Pid, Exit = e.Exit is { } exit ? Exit(exit) : null }; break;
            default: throw new SerializationException($"{@event.GetType()} has no place in journal/v1/task.proto");
        }
        return entry;
    }

    public static TaskEvent FromProto(TaskEntry entry)
    {
        var at = entry.At.ToDateTimeOffset();
        return entry.EventCase switch
        {
            Kind.CreateRequested => new E.CreateRequested(at, Setup(entry.CreateRequested)),
            Kind.Created => new E.Created(
                at, Init(entry.Created), Cgroups(entry.Created), entry.Created.Setup is { } setup ? Setup(setup) : null),
            Kind.RestorePrepared => new E.RestorePrepared(at, Setup(entry.RestorePrepared.Setup), Restore(entry.RestorePrepared)),
            Kind.Restored => new E.Restored(at, Init(entry.Restored), Cgroups(entry.Restored)),
            Kind.RestoreFailed => new E.RestoreFailed(at, entry.RestoreFailed.Error),
            Kind.Checkpointed => new E.Checkpointed(at, entry.Checkpointed.Images),
            Kind.CreateFailed => new E.CreateFailed(at, entry.CreateFailed.Error),
            Kind.StartRequested => new E.StartRequested(at),
            Kind.Started => new E.Started(at, entry.Started.Pid),
            Kind.StartFailed => new E.StartFailed(
                at, entry.StartFailed.Error, Exit(entry.StartFailed.Exit), entry.StartFailed.Pid),
            Kind.DiedWhileStarting => new E.DiedWhileStarting(at, Exit(entry.DiedWhileStarting.Exit)),
            Kind.Paused => new E.Paused(at),
            Kind.Resumed => new E.Resumed(at),
            Kind.OomKilled => new E.OomKilled(at),
            Kind.Exited => new E.Exited(at, Exit(entry.Exited.Exit), entry.Exited.Pid),
            Kind.DeleteRequested => new E.DeleteRequested(at),
            Kind.Deleted => new E.Deleted(at, entry.Deleted.Pid, entry.Deleted.Exit is { } exit ? Exit(exit) : null),
            var other => throw new SerializationException(
                $"a task's journal holds event {(int)other}, which this version does not know: it was written by a newer one"),
        };
    }

    private static TaskRestore Restore(TaskRestorePrepared entry) =>
        new(new RestoreSource(entry.Images, entry.Work, entry.Owned), entry.Spec);

    private static TaskCreated Init(
        InitProcess init, ImmutableSortedDictionary<string, string> cgroupPaths, TaskSetup? setup = null) => new()
    {
        Pid = init.Pid, StartTime = init.StartTime, BootId = init.BootId, CgroupPaths = { cgroupPaths }, Setup = setup is null
            ? null : Setup(setup),
    };

    private static InitProcess Init(TaskCreated entry) => new(entry.Pid, entry.StartTime, entry.BootId);

    private static ImmutableSortedDictionary<string, string> Cgroups(TaskCreated entry) =>
        entry.CgroupPaths.ToSortedDictionary();

    private static TaskCreateRequested Setup(TaskSetup setup) => new()
    {
        Bundle = setup.Bundle,
        Stdio = new TaskStdio {
            Stdin = setup.Stdio.Stdin, Stdout = setup.Stdio.Stdout, Stderr = setup.Stdio.Stderr,
            Terminal = setup.Stdio.Terminal },
        Rootfs = { setup.Rootfs.Select(
            m => new TaskRootfsMount { Type = m.Type, Source = m.Source, Target = m.Target, Options = { m.Options } }) },
    };

    private static TaskSetup Setup(TaskCreateRequested entry) => new(
        entry.Bundle,
        new StdioPaths(entry.Stdio.Stdin, entry.Stdio.Stdout, entry.Stdio.Stderr, entry.Stdio.Terminal),
        [.. entry.Rootfs.Select(m => new RootfsMount(m.Type, m.Source, m.Target, [.. m.Options]))]);

    internal static TaskExitRecord Exit(TaskExit exit) =>
        new() { Status = exit.Status, At = exit.At.ToTimestamp(), Reason = exit.Reason };

    internal static TaskExit Exit(TaskExitRecord entry) => new(entry.Status, entry.At.ToDateTimeOffset(), entry.Reason);
}
