using Akka.Actor;
using Containerd.Runc.V1;
using Containerd.Services.Tasks.V1;
using Containerd.Types;
using Containerd.V1.Types;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Daemon;
using Supervisor.Host.Filters;
using Supervisor.Host.Services.Checkpoints;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.tasks.v1: translates requests and replies. Reads and waits ask no actor.</summary>
/// <remarks>Methods that are not overridden answer UNIMPLEMENTED.</remarks>
public sealed class TasksService(
    SupervisorSystem system, LogBinaries logBinaries, ReservedPaths reserved, CheckpointCalls checkpoints,
    AutoRemoval removal, ExecRemoval execRemoval, LaunchTraces traces, DaemonLifetime lifetime, TimeProvider clock)
    : Tasks.TasksBase
{
    private const uint LastSignal = 64; // SIGRTMAX, signal(7)
    private const int LargestRootfs = 32 << 10; // of the 64 KiB of a message to the shim

    /// <inheritdoc/>
    public override async Task<CreateTaskResponse> Create(CreateTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var container = Find(id);
        RuntimeNames.Check(container.Record);
        RuntimeOptions.Check(container.Record.RuntimeOptions, "container.runtime.options");
        RuntimeOptions.Check(request.Options, "options");
        RefuseOtherShims(request);
        var stdio = reserved.Check(
            logBinaries.Check(new StdioPaths(request.Stdin, request.Stdout, request.Stderr, request.Terminal)));
        if (request.Rootfs.Sum(m => m.CalculateSize()) is > LargestRootfs and var size)
            throw new InvalidFieldException("rootfs", $"its mounts take {size} bytes, at most {LargestRootfs} are allowed");
        var trace = traces.Requested(context, id);
        var source = await checkpoints.SourceAsync(request, context);
        var order = new TaskRequest(
            stdio, [.. request.Rootfs.Select(m => new RootfsMount(m.Type, m.Source, m.Target, [.. m.Options]))], source) {
                Trace = trace };
        var command = new ContainerCommand.CreateTask(id, clock.GetUtcNow(), order);
        TaskState state;
        try
        {
            state = await container.Container.AskForTaskAsync(command, context, clock);
        }
        // then it may be created later
        catch (RpcException e) when (e.StatusCode is not (StatusCode.DeadlineExceeded or StatusCode.Cancelled))
        {
            await checkpoints.DiscardAsync(source);
            throw;
        }
        return new CreateTaskResponse { ContainerId = id.Value, Pid = state.Pid };
    }

    private static void RefuseOtherShims(CreateTaskRequest request)
    {
        if (request.RuntimePath.Length > 0 && Path.GetFileName(request.RuntimePath) != "containerd-shim-runc-v2")
            throw new InvalidFieldException("runtime_path", $"\"{request.RuntimePath}\": no other shim is started");
        if (request.TaskApiAddress.Length > 0)
            throw new InvalidFieldException("task_api_address", $"\"{request.TaskApiAddress}\": tasks are served here");
    }

    /// <inheritdoc/>
    public override async Task<StartResponse> Start(StartRequest request, ServerCallContext context)
    {
        var (id, exec) = Process(context, request.ContainerId, request.ExecId);
        if (exec is { } other)
        {
            var started = await Actor(id).AskAsync(new ExecCommand.Start(other, clock.GetUtcNow()), context, clock);
            return new StartResponse { Pid = ExecTranslation.PidOf(started) };
        }
        var state = await Actor(id).AskAsync(new TaskCommand.Start(id, clock.GetUtcNow()), context, clock);
        removal.Watch(id);
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
        var (id, exec) = Process(context, request.ContainerId, request.ExecId);
        var process = exec is { } other ? Present(other).State.ToProcess(other) : Present(id).State.ToProcess(id);
        return Task.FromResult(new GetResponse { Process = process });
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
        var (id, exec) = Process(context, request.ContainerId, request.ExecId);
        if (request.Signal > LastSignal)
            throw new InvalidFieldException(
                "signal", $"{request.Signal} is not a signal: 1 to {LastSignal}, or 0 to check whether the process exists");
        if (exec is { } other)
        {
            await Actor(id).AskAsync(new ExecCommand.Kill(other, clock.GetUtcNow(), (int)request.Signal), context, clock);
            return new Empty();
        }
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
    public override Task<CheckpointTaskResponse> Checkpoint(CheckpointTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var (container, task) = (Find(id), Actor(id));
        return checkpoints.WriteAsync(
            request, container, order =>
                task.AskAsync(new TaskCommand.Checkpoint(id, clock.GetUtcNow(), order), context, clock), context);
    }

    /// <inheritdoc/>
    public override async Task<WaitResponse> Wait(WaitRequest request, ServerCallContext context)
    {
        var (id, other) = Process(context, request.ContainerId, request.ExecId);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        var exited = other is { } exec ? Present(exec).Exited : Present(id).Exited;
        var exit = await exited.WaitAsync(either.Token);
        return new WaitResponse { ExitStatus = (uint)exit.Status, ExitedAt = exit.At.ToTimestamp() };
    }

    /// <inheritdoc/>
    public override async Task<Empty> Exec(ExecProcessRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var exec = ExecId.Parse(id, request.ExecId);
        if (ServiceExecs.IsId(exec.Value))
            throw new InvalidFieldException("exec_id", $"\"{exec.Value}\" is reserved for execs of the Shim service");
        if (request.Spec is null) throw new InvalidFieldException("spec", "is missing: the OCI process, as JSON");
        SpecValidator.Validate(SpecReader.ReadProcess(request.Spec.Value.Span)); // now, when it can still be refused by field
        var setup = new ExecSetup(
            reserved.Check(logBinaries.Check(new StdioPaths(request.Stdin, request.Stdout, request.Stderr, request.Terminal))),
            request.Spec.Value.Memory) { RemoveAfter = ExecRemoval.Requested(context) };
        await Actor(id).AskAsync(new ExecCommand.Add(exec, clock.GetUtcNow(), setup), context, clock);
        execRemoval.Watch(exec);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<DeleteResponse> DeleteProcess(DeleteProcessRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var state = await Actor(id)
            .AskAsync(new ExecCommand.Delete(ExecId.Parse(id, request.ExecId), clock.GetUtcNow()), context, clock);
        var exit = (state as ExecState.Stopped)?.Exit;
        return new DeleteResponse
        {
            Id = request.ExecId, Pid = ExecTranslation.PidOf(state), ExitStatus = (uint)(exit?.Status ?? 0),
            ExitedAt = exit?.At.ToTimestamp() ?? GrpcTranslation.Never,
        };
    }

    /// <inheritdoc/>
    public override async Task<Empty> CloseIO(CloseIORequest request, ServerCallContext context)
    {
        var (id, _) = Process(context, request.ContainerId, request.ExecId);
        if (request.Stdin) await Actor(id).AskAsync(new ProcessInput.Close(id, request.ExecId), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> ResizePty(ResizePtyRequest request, ServerCallContext context)
    {
        var (id, _) = Process(context, request.ContainerId, request.ExecId);
        if (request.Width > ushort.MaxValue) throw new InvalidFieldException("width", "is over 65535");
        if (request.Height > ushort.MaxValue) throw new InvalidFieldException("height", "is over 65535");
        await Actor(id).AskAsync(
            new ProcessInput.Resize(id, request.ExecId, (ushort)request.Width, (ushort)request.Height), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<ListPidsResponse> ListPids(ListPidsRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        var reply = await Actor(id).AskAsync(new TaskInquiry.Pids(id), context, clock);
        var execs = Find(id).Execs.Where(e => e.Value.State is ExecState.Running)
            .ToDictionary(e => ExecTranslation.PidOf(e.Value.State), e => e.Key);
        return new ListPidsResponse
        {
            Processes =
            {
                reply.Pids.Select(pid => new ProcessInfo
                {
                    Pid = (uint)pid,
                    Info = execs.TryGetValue((uint)pid, out var exec)
                        ? Envelopes.Pack(new ProcessDetails { ExecId = exec }) : null,
                }),
            },
        };
    }

    /// <inheritdoc/>
    public override async Task<Empty> Update(UpdateTaskRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.ContainerId, "container_id");
        if (request.Resources is null) throw new InvalidFieldException("resources", "is missing: the OCI resources, as JSON");
        await Actor(id).AskAsync(new TaskInquiry.Update(id, request.Resources.Value.Memory), context, clock);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<MetricsResponse> Metrics(MetricsRequest request, ServerCallContext context)
    {
        var filters = FilterSet.Parse(request.Filters);
        var running = system.Directory.InNamespace(context.RequireNamespace())
            .Where(e => e.Task is { Exists: true, Actor: not null }
                && filters.Matches(path => path is ["id"] ? e.Record.Id.Value : null))
            .ToList();
        var measured = await Task.WhenAll(running.Select(e => MeasureAsync(e, context)));
        return new MetricsResponse { Metrics = { measured.OfType<Metric>() } };
    }

    /// <summary>
    /// Null if it cannot be measured: it has exited, or its cgroup is being removed. Clients still expect the others.
    /// </summary>
    private async Task<Metric?> MeasureAsync(ContainerView entry, ServerCallContext context)
    {
        var id = entry.Record.Id;
        var reply = await entry.Task.Actor!.Ask<TaskInquiryReply>(
            new TaskInquiry.Stats(id), context.TimeLeft(clock), context.CancellationToken);
        if (reply.Stats is not { } stats || entry.Task.State is not TaskState.WithInit task) return null;
        return new Metric
        {
            Timestamp = clock.GetUtcNow().ToTimestamp(),
            Id = id.Value,
            Data = Envelopes.Pack(CgroupMetrics.Of(stats, isV2: !task.CgroupPaths.ContainsKey("memory"))),
        };
    }

    private ContainerView Find(ContainerId id) => system.Directory.Get(id);

    /// <summary>The actor's state is newer than the last published one.</summary>
    private IActorRef Actor(ContainerId id) => Find(id).Task.Actor ?? throw GrpcTranslation.NoTask(id);

    private (TaskState.Present State, Task<TaskExit> Exited) Present(ContainerId id) =>
        Find(id).Task is { State: TaskState.Present state } task ? (state, task.Exited) : throw GrpcTranslation.NoTask(id);

    private ExecView Present(ExecId exec)
    {
        _ = Present(exec.Container);
        return Find(exec.Container).Execs.GetValueOrDefault(exec.Value)
            ?? throw GrpcTranslation.Refuse(StatusCode.NotFound, ExecMachine.NotFoundMessage(exec));
    }

    /// <summary>The process that a request names: an exec, or the init.</summary>
    private static (ContainerId Container, ExecId? Exec) Process(ServerCallContext context, string container, string exec)
    {
        var id = context.ContainerId(container, "container_id");
        return (id, exec.Length == 0 ? null : ExecId.Parse(id, exec));
    }
}
