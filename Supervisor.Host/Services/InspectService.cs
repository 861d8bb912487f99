using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Tasks;
using Supervisor.V1;

namespace Supervisor.Host.Services;

/// <summary>supervisor.v1.Tasks: what containerd's Tasks does not have.</summary>
public sealed class InspectService(SupervisorSystem system) : Tasks.TasksBase
{
    /// <inheritdoc/>
    public override Task<InspectResponse> Inspect(InspectRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.Id, "id");
        var entry = system.Directory.Get(id);
        if (entry.Task.State is not TaskState.Present task) throw GrpcTranslation.NoTask(id);
        return Task.FromResult(ToMessage(task));
    }

    internal static InspectResponse ToMessage(TaskState.Present task)
    {
        var response = new InspectResponse
        {
            Status = task switch
            {
                TaskState.Creating => "creating",
                TaskState.Created or TaskState.Prepared => "created",
                TaskState.Starting or TaskState.Restoring => "starting",
                TaskState.Running => "running",
                TaskState.Paused => "paused",
                TaskState.Stopped => "stopped",
                _ => "deleting",
            },
            Pid = task.Pid,
            ExitStatus = (uint)(task.Exit?.Status ?? 0),
            ExitedAt = task.Exit?.At.ToTimestamp(),
            OomKilled = task is TaskState.Running { OomKilled: true } or TaskState.Paused { OomKilled: true }
                or TaskState.Stopped { OomKilled: true } or TaskState.Deleting { OomKilled: true },
            Reason = (task as TaskState.Deleting)?.Failure ?? task.Exit?.Reason ?? "",
            Bundle = task.Setup.Bundle,
        };
        if (task is not TaskState.WithInit started) return response;
        response.StartTime = started.Init.StartTime;
        response.BootId = started.Init.BootId;
        foreach (var (controller, path) in started.CgroupPaths) response.CgroupPaths.Add(controller, path);
        return response;
    }
}
