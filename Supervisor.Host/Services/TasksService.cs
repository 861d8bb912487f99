using Akka.Actor;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.ReadModel;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Hosting;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.tasks.v1: translate, ask, translate back. Reads and waits ask nobody.</summary>
/// <remarks>What is not overridden here is answered with UNIMPLEMENTED.</remarks>
public sealed class TasksService(SupervisorSystem system, DaemonLifetime lifetime, TimeProvider clock) : Tasks.TasksBase
{
    private const uint LastSignal = 64; // SIGRTMAX, signal(7)

    /// <inheritdoc/>
    public override async Task<CreateTaskResponse> Create(CreateTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var order = new TaskRequest(
            new StdioPaths(request.Stdin, request.Stdout, request.Stderr, request.Terminal),
            [.. request.Rootfs.Select(m => new RootfsMount(m.Type, m.Source, m.Target, [.. m.Options]))],
            request.Checkpoint?.Digest ?? "");
        var command = new ContainerCommand.CreateTask(id, clock.GetUtcNow(), order);
        var state = await Find(id).Container.AskForTaskAsync(command, context, clock);
        return new CreateTaskResponse { ContainerId = id.Value, Pid = state.Pid };
    }

    /// <inheritdoc/>
    public override async Task<StartResponse> Start(StartRequest request, ServerCallContext context)
    {
        var id = Init(context, request.ContainerId, request.ExecId);
        var state = await Actor(id).AskAsync(new TaskCommand.Start(id, clock.GetUtcNow()), context, clock);
        return new StartResponse { Pid = state.Pid };
    }

    /// <inheritdoc/>
    public override async Task<DeleteResponse> Delete(DeleteTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var state = await Actor(id).AskAsync(new TaskCommand.Delete(id, clock.GetUtcNow()), context, clock);
        return new DeleteResponse
        {
            Pid = state.Pid,
            ExitStatus = (uint)(state.Exit?.Status ?? 0),
            ExitedAt = state.Exit?.At.ToTimestamp() ?? GrpcTranslation.Never,
        };
    }

    /// <inheritdoc/>
    public override Task<GetResponse> Get(GetRequest request, ServerCallContext context)
    {
        var id = Init(context, request.ContainerId, request.ExecId);
        return Task.FromResult(new GetResponse { Process = Present(id).State.ToProcess(id) });
    }

    /// <inheritdoc/>
    public override Task<ListTasksResponse> List(ListTasksRequest request, ServerCallContext context)
    {
        var tasks = from entry in system.Directory.InNamespace(context.RequireNamespace())
                    where entry.Task.State is TaskState.Present
                    select ((TaskState.Present)entry.Task.State).ToProcess(entry.Record.Id);
        return Task.FromResult(new ListTasksResponse { Tasks = { tasks } });
    }

    /// <inheritdoc/>
    public override async Task<Empty> Kill(KillRequest request, ServerCallContext context)
    {
        var id = Init(context, request.ContainerId, request.ExecId);
        if (request.Signal > LastSignal)
            throw new InvalidFieldException("signal", $"{request.Signal} is no signal: 1 to {LastSignal}, or 0 to ask whether the process is there");
        await Actor(id).AskAsync(new TaskCommand.Kill(id, clock.GetUtcNow(), (int)request.Signal, request.All), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> Pause(PauseTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        await Actor(id).AskAsync(new TaskCommand.Pause(id, clock.GetUtcNow()), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> Resume(ResumeTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        await Actor(id).AskAsync(new TaskCommand.Resume(id, clock.GetUtcNow()), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<WaitResponse> Wait(WaitRequest request, ServerCallContext context)
    {
        var id = Init(context, request.ContainerId, request.ExecId);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        var exit = await Present(id).Exited.WaitAsync(either.Token);
        return new WaitResponse { ExitStatus = (uint)exit.Status, ExitedAt = exit.At.ToTimestamp() };
    }

    private ContainerEntry Find(ContainerId id) => system.Directory.Find(id) ?? throw GrpcTranslation.NoContainer(id);

    /// <summary>The actor knows better than the last published state whether there is a task.</summary>
    private IActorRef Actor(ContainerId id) => Find(id).Task.Actor ?? throw GrpcTranslation.NoTask(id);

    private (TaskState.Present State, Task<TaskExit> Exited) Present(ContainerId id) =>
        Find(id).Task is { State: TaskState.Present state } task ? (state, task.Exited) : throw GrpcTranslation.NoTask(id);

    /// <summary>The container of a request that may name an exec; there are none yet.</summary>
    private ContainerId Init(ServerCallContext context, string container, string exec)
    {
        var id = context.ContainerId(container, "container_id");
        if (exec.Length == 0) return id;
        Actor(id);
        throw GrpcTranslation.Refuse(StatusCode.NotFound, $"process does not exist {Identifier.Check(exec, "exec_id")}: not found");
    }
}
