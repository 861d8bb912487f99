using System.Collections.Immutable;
using Containerd.Services.Containers.V1;
using Containerd.V1.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel;
using Process = Containerd.V1.Types.Process;
using ProcessStatus = Containerd.V1.Types.Status;
using Status = Grpc.Core.Status;

namespace Supervisor.Host.Services;

/// <summary>Maps the actors' messages to wire messages and back. It has no rules of its own.</summary>
public static class GrpcTranslation
{
    /// <summary>Why a call fails while the daemon stops: a client may retry with the next daemon.</summary>
    public const string Stopping = "the daemon is stopping";

    /// <summary>Bytes of a label's key and value together: containerd's limit.</summary>
    public const int MaximumLabelSize = 4096;

    /// <summary>Go's zero time, 0001-01-01, which clients take for "not yet"; a missing field would be shown as 1970.</summary>
    public static Timestamp Never => new() { Seconds = -62135596800 };

    /// <summary>The refusal as the status that containerd's clients act on.</summary>
    public static RpcException ToRpcException(this Refusal refusal) => Refuse(
        refusal.Code switch
        {
            RefusalCode.InvalidArgument => StatusCode.InvalidArgument,
            RefusalCode.NotFound => StatusCode.NotFound,
            RefusalCode.AlreadyExists => StatusCode.AlreadyExists,
            RefusalCode.FailedPrecondition => StatusCode.FailedPrecondition,
            RefusalCode.DeadlineExceeded => StatusCode.DeadlineExceeded,
            RefusalCode.Unavailable => StatusCode.Unavailable,
            RefusalCode.ResourceExhausted => StatusCode.ResourceExhausted,
            RefusalCode.DataLoss => StatusCode.DataLoss,
            _ => StatusCode.Unknown,
        },
        refusal.Message);

    /// <summary>A status that is not caused by an exception.</summary>
    public static RpcException Refuse(StatusCode code, string message) => new(new Status(code, ErrorText.Cut(message)));

    /// <summary>The container as last published.</summary>
    /// <param name="failed">What could not be done, e.g. <c>cannot delete </c>; empty for a read.</param>
    /// <exception cref="RpcException">There is none, or its journal is damaged.</exception>
    public static ContainerView Get(this ContainerDirectory directory, ContainerId id, string failed = "")
    {
        if (directory.Find(id) is { } entry) return entry;
        throw directory.Refuse(id)?.ToRpcException() ?? NoContainer(id, failed);
    }

    /// <summary>containerd's message for a missing container.</summary>
    /// <param name="failed">What could not be done, e.g. <c>cannot delete </c>; empty for a read.</param>
    public static RpcException NoContainer(ContainerId id, string failed = "") =>
        Refuse(StatusCode.NotFound, $"{failed}container \"{id.Value}\" in namespace \"{id.Namespace}\": not found");

    /// <summary>containerd's message for a container without a task.</summary>
    public static RpcException NoTask(ContainerId id) => Refuse(StatusCode.NotFound, $"task {id.Value} not found");

    /// <summary>Labels as the actors keep them: sorted, without empty values.</summary>
    /// <exception cref="InvalidFieldException">One is larger than <see cref="MaximumLabelSize"/>.</exception>
    public static ImmutableSortedDictionary<string, string> ToLabels(
        this IDictionary<string, string> labels, string field, bool keepEmpty = false)
    {
        foreach (var (key, value) in labels)
        {
            if (key.Length + value.Length > MaximumLabelSize)
            {
                var shown = key[..Math.Min(key.Length, 64)];
                throw new InvalidFieldException(
                    field, $"key and value of \"{shown}\" are {key.Length + value.Length} long, at most {MaximumLabelSize} "
                        + "are allowed");
            }
        }
        return labels.Where(l => keepEmpty || l.Value.Length > 0)
            .ToImmutableSortedDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);
    }

    /// <summary>The record that a client requests; the actors set the times.</summary>
    /// <param name="keepEmptyLabels">For an update, where an empty value means: remove.</param>
    public static ContainerRecord ToRecord(this Container container, ContainerId id, bool keepEmptyLabels = false) => new(
        id,
        container.Labels.ToLabels("container.labels", keepEmptyLabels),
        container.Image,
        container.Runtime?.Name ?? "",
        container.Runtime?.Options,
        container.Spec,
        container.Snapshotter,
        container.SnapshotKey,
        container.Extensions.ToImmutableSortedDictionary(e => e.Key, e => e.Value, StringComparer.Ordinal),
        container.Sandbox,
        default,
        default);

    /// <summary>The record as clients see it.</summary>
    public static Container ToMessage(this ContainerRecord record)
    {
        var message = new Container
        {
            Id = record.Id.Value,
            Image = record.Image,
            Runtime = new Container.Types.Runtime { Name = record.RuntimeName, Options = record.RuntimeOptions },
            Spec = record.Spec,
            Snapshotter = record.Snapshotter,
            SnapshotKey = record.SnapshotKey,
            CreatedAt = record.CreatedAt.ToTimestamp(),
            UpdatedAt = record.UpdatedAt.ToTimestamp(),
            Sandbox = record.Sandbox,
        };
        foreach (var (key, value) in record.Labels) message.Labels.Add(key, value);
        foreach (var (key, value) in record.Extensions) message.Extensions.Add(key, value);
        return message;
    }

    /// <summary>The task's init process as clients see it. The paths are returned as given: clients reopen them.</summary>
    public static Process ToProcess(this TaskState.Present task, ContainerId id)
    {
        var exit = task.Exit;
        return new Process
        {
            ContainerId = id.Value,
            Id = id.Value,
            Pid = task.Pid,
            Status = task.Status,
            Stdin = task.Setup.Stdio.Stdin,
            Stdout = task.Setup.Stdio.Stdout,
            Stderr = task.Setup.Stdio.Stderr,
            Terminal = task.Setup.Stdio.Terminal,
            ExitStatus = (uint)(exit?.Status ?? 0),
            ExitedAt = exit?.At.ToTimestamp() ?? Never,
        };
    }

    extension(TaskState task)
    {
        /// <summary>The init's pid; 0 before there is one.</summary>
        public uint Pid => task is TaskState.WithInit { Init.Pid: var pid } ? (uint)pid : 0;

        /// <summary>How the init exited; null before. While the result of the start is open, the exit is not reported.</summary>
        public TaskExit? Exit => task switch
        {
            TaskState.Stopped s => s.Exit,
            TaskState.Deleting s => s.Exit,
            _ => null,
        };

        /// <summary>
        /// containerd has fewer states: a task that is starting is still created, one that is being deleted is stopped.
        /// </summary>
        public ProcessStatus Status => task switch
        {
            TaskState.Creating or TaskState.Created or TaskState.Starting or TaskState.Prepared or TaskState.Restoring =>
                ProcessStatus.Created,
            TaskState.Running => ProcessStatus.Running,
            TaskState.Paused => ProcessStatus.Paused,
            TaskState.Stopped or TaskState.Deleting => ProcessStatus.Stopped,
            _ => ProcessStatus.Unknown,
        };
    }
}
