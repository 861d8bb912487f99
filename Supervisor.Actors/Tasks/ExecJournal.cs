using System.Runtime.Serialization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;
using Supervisor.Journal.V1;
using E = Supervisor.Actors.Tasks.ExecEvent;
using Kind = Supervisor.Journal.V1.ExecEntry.EventOneofCase;

namespace Supervisor.Actors.Tasks;

/// <summary>An exec's events, and a task's list of its execs, as journal/v1/exec.proto.</summary>
internal static class ExecJournal
{
    public static ExecEntry ToProto(ExecEvent @event)
    {
        var entry = new ExecEntry { At = @event.At.ToTimestamp() };
        switch (@event)
        {
            case E.Added e:
                var stdio = e.Setup.Stdio;
                entry.Added = new ExecAdded
                {
                    Stdio = new TaskStdio {
                        Stdin = stdio.Stdin, Stdout = stdio.Stdout, Stderr = stdio.Stderr, Terminal = stdio.Terminal },
                    Process = ByteString.CopyFrom(e.Setup.Process.Span),
                };
                if (e.Setup.RemoveAfter is { } delay) entry.Added.RemoveAfter = (int)delay.TotalSeconds;
                break;
            case E.StartRequested: entry.StartRequested = new ExecStartRequested(); break;
            case E.Spawned e: entry.Spawned = new ExecSpawned {
                Pid = e.Process.Pid, StartTime = e.Process.StartTime, BootId = e.Process.BootId }; break;
            case E.Started e: entry.Started = new ExecStarted { Pid = e.Pid }; break;
            case E.StartFailed e: entry.StartFailed = new ExecStartFailed { Error = e.Error }; break;
            case E.Exited e: entry.Exited = new ExecExited { Exit = TaskJournal.Exit(e.Exit), Pid = e.Pid }; break;
            case E.Deleted: entry.Deleted = new ExecDeleted(); break;
            default: throw new SerializationException($"{@event.GetType()} has no place in journal/v1/exec.proto");
        }
        return entry;
    }

    public static ExecEvent FromProto(ExecEntry entry)
    {
        var at = entry.At.ToDateTimeOffset();
        return entry.EventCase switch
        {
            Kind.Added => new E.Added(at, new ExecSetup(
                new StdioPaths(entry.Added.Stdio.Stdin, entry.Added.Stdio.Stdout, entry.Added.Stdio.Stderr,
                    entry.Added.Stdio.Terminal),
                entry.Added.Process.Memory)
            { RemoveAfter = entry.Added.HasRemoveAfter ? TimeSpan.FromSeconds(entry.Added.RemoveAfter) : null }),
            Kind.StartRequested => new E.StartRequested(at),
            Kind.Spawned => new E.Spawned(at, new InitProcess(entry.Spawned.Pid, entry.Spawned.StartTime, entry.Spawned.BootId)),
            Kind.Started => new E.Started(at, entry.Started.Pid),
            Kind.StartFailed => new E.StartFailed(at, entry.StartFailed.Error),
            Kind.Exited => new E.Exited(at, TaskJournal.Exit(entry.Exited.Exit), entry.Exited.Pid),
            Kind.Deleted => new E.Deleted(at),
            var other => throw new SerializationException(
                $"an exec's journal holds event {(int)other}, which this version does not know: it was written by a newer one"),
        };
    }

    public static ExecRegistryEntry ToProto(ExecRegistered e) => new()
    {
        Namespace = e.Id.Container.Namespace, Container = e.Id.Container.Value, Exec = e.Id.Value, Present = e.Present,
    };

    public static ExecRegistered FromProto(ExecRegistryEntry entry) =>
        new(ExecId.Parse(ContainerId.Parse(entry.Namespace, entry.Container), entry.Exec), entry.Present);
}
