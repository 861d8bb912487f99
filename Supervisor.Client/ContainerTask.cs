using Containerd.Runc.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;
using Supervisor.Client.Stdio;

namespace Supervisor.Client;

/// <summary>A container's running life: its first process, and all others in its cgroup.</summary>
public sealed class ContainerTask : TaskProcess
{
    private const int SIGKILL = 9;

    internal ContainerTask(DaemonConnection connection, string containerId) : base(connection, containerId, containerId) { }

    private protected override string ExecId => "";

    private protected override string Name => $"task of container {ContainerId}";

    /// <summary>Freezes every process.</summary>
    /// <exception cref="ClientException">FailedPrecondition: it does not run.</exception>
    public Task PauseAsync(CancellationToken cancel = default) => Connection.CallAsync($"pause {Name}",
        c => Connection.Tasks.PauseAsync(new PauseTaskRequest { ContainerId = ContainerId }, c), cancel);

    /// <summary>Thaws every process.</summary>
    /// <exception cref="ClientException">FailedPrecondition: it is not paused.</exception>
    public Task ResumeAsync(CancellationToken cancel = default) => Connection.CallAsync($"resume {Name}",
        c => Connection.Tasks.ResumeAsync(new ResumeTaskRequest { ContainerId = ContainerId }, c), cancel);

    /// <summary>What the task uses now.</summary>
    /// <exception cref="ClientException">NotFound: there are no figures, e.g. because it has exited.</exception>
    public async Task<TaskStats> StatsAsync(CancellationToken cancel = default)
    {
        var request = new MetricsRequest { Filters = { $"id==\"{ContainerId}\"" } };
        var answer = await Connection.CallAsync($"stats of {Name}", c => Connection.Tasks.MetricsAsync(request, c), cancel);
        if (answer.Metrics.FirstOrDefault(m => m.Id == ContainerId) is not { Data: { } data } metric)
            throw new ClientException(ErrorCode.NotFound, $"stats of {Name}: the daemon has none: does it run?");
        return data.TypeUrl switch
        {
            "io.containerd.cgroups.v1.Metrics" =>
                new(metric.Timestamp.ToDateTimeOffset(), Io.Containerd.Cgroups.V1.Metrics.Parser.ParseFrom(data.Value), null),
            "io.containerd.cgroups.v2.Metrics" =>
                new(metric.Timestamp.ToDateTimeOffset(), null, Io.Containerd.Cgroups.V2.Metrics.Parser.ParseFrom(data.Value)),
            var type => throw new ClientException(ErrorCode.Unimplemented, $"stats of {Name}: unknown type \"{type}\""),
        };
    }

    /// <summary>All processes in the task's cgroup, in the daemon's pid namespace.</summary>
    public async Task<IReadOnlyList<int>> PidsAsync(CancellationToken cancel = default) =>
        [.. (await SummaryAsync(cancel)).Select(p => p.Pid)];

    /// <summary>All processes in the task's cgroup, and which exec started them.</summary>
    public async Task<IReadOnlyList<ProcessSummary>> SummaryAsync(CancellationToken cancel = default)
    {
        var request = new ListPidsRequest { ContainerId = ContainerId };
        var answer = await Connection.CallAsync($"processes of {Name}", c => Connection.Tasks.ListPidsAsync(request, c), cancel);
        return [.. answer.Processes.Select(p => new ProcessSummary((int)p.Pid, ExecOf(p.Info)))];
    }

    /// <summary>Kills every process, waits for the exit, and deletes the task, whatever state it is in.</summary>
    /// <exception cref="ClientException">DeadlineExceeded: it does not exit. NotFound: it was deleted.</exception>
    public async Task<ExitStatus> ForceDeleteAsync(CancellationToken cancel = default)
    {
        if ((await StatusAsync(cancel)).State is ProcessState.Paused or ProcessState.Pausing)
            await UnlessPastAsync(ResumeAsync(cancel)); // a frozen process does not exit (cgroup v1)
        var kill = new KillRequest { ContainerId = ContainerId, Signal = SIGKILL, All = true };
        var isPast = !await UnlessPastAsync(
            Connection.CallAsync($"kill {Name}", c => Connection.Tasks.KillAsync(kill, c), cancel));
        // A process that never was, e.g. of a restore that failed, has no exit to wait for.
        if (isPast && (await StatusAsync(cancel)).State is ProcessState.Created or ProcessState.Stopped)
            return await DeleteAsync(cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Connection.Options.Timeout);
        try
        {
            await WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ClientException(ErrorCode.DeadlineExceeded,
                $"{Name} was killed, and has not exited for {Connection.Options.Timeout.TotalSeconds:0} s: "
                + "is it stuck in the kernel?");
        }
        return await DeleteAsync(cancel);
    }

    /// <summary>Creates and starts one more process. If that fails, nothing of it is left.</summary>
    /// <param name="id">As that of a container; unique in the task.</param>
    /// <param name="process">JSON of an OCI process (runtime-spec, config.md, process).</param>
    /// <param name="withStdin">Whether it has a standard input; it needs <paramref name="attachStdio"/>.</param>
    /// <param name="attachStdio">Receives the streams before the process starts. Null: the process has /dev/null.</param>
    /// <param name="cancel">Undoes it, as soon as the daemon has answered the step that it is at.</param>
    /// <exception cref="ClientException">AlreadyExists. FailedPrecondition: the task does not run.</exception>
    public async Task<ExecProcess> ExecAsync(
        string id, string process, bool withStdin = false, AttachStdio? attachStdio = null, CancellationToken cancel = default)
    {
        Identifier.Check(id, "exec id");
        StdioStart.Check(withStdin, attachStdio);
        var request = new ExecProcessRequest
        {
            ContainerId = ContainerId,
            ExecId = id,
            Spec = JsonSpec.Pack(process, "Process", "process"),
            Terminal = attachStdio is not null && JsonSpec.HasTerminal(process, isWholeSpec: false),
        };
        var exec = new ExecProcess(Connection, ContainerId, id);
        await StdioStart.RunAsync(exec, withStdin, request.Terminal, attachStdio, async (paths, cancel) =>
        {
            (request.Stdin, request.Stdout, request.Stderr) = (paths.Stdin, paths.Stdout, paths.Stderr);
            cancel.ThrowIfCancellationRequested();
            await Connection.CallAsync($"create exec {id} of container {ContainerId}",
                c => Connection.Tasks.ExecAsync(request, c), CancellationToken.None);
            await exec.StartAsync(cancel);
        }, cancel);
        return exec;
    }

    /// <summary>Changes limits of the running task.</summary>
    /// <param name="resources">JSON of OCI resources (runtime-spec, config-linux.md, resources); what is absent stays.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="ClientException">InvalidArgument, naming the field.</exception>
    public Task UpdateResourcesAsync(string resources, CancellationToken cancel = default)
    {
        var request = new UpdateTaskRequest
        {
            ContainerId = ContainerId, Resources = JsonSpec.Pack(resources, "LinuxResources", "resources"),
        };
        return Connection.CallAsync($"update {Name}", c => Connection.Tasks.UpdateAsync(request, c), cancel);
    }

    /// <summary>Writes a checkpoint of the task by criu(8), which <see cref="Container.StartAsync"/> can restore.</summary>
    /// <param name="directory">Absolute path, of the daemon's machine.</param>
    /// <param name="exit">Whether the task ends with it.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="ClientException">Unimplemented or FailedPrecondition: criu is missing, or cannot do it here.</exception>
    public Task CreateCheckpointAsync(string directory, bool exit, CancellationToken cancel = default)
    {
        if (!Path.IsPathRooted(directory))
            throw new ClientException(ErrorCode.InvalidArgument, $"directory \"{directory}\": an absolute path is needed");
        var options = new CheckpointOptions { Exit = exit, ImagePath = directory };
        var request = new CheckpointTaskRequest
        {
            ContainerId = ContainerId,
            Options = new Any { TypeUrl = CheckpointOptions.Descriptor.FullName, Value = options.ToByteString() },
        };
        return Connection.CallAsync($"checkpoint {Name}", c => Connection.Tasks.CheckpointAsync(request, c), cancel);
    }

    private protected override AsyncUnaryCall<DeleteResponse> Delete(CallOptions call) =>
        Connection.Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = ContainerId }, call);

    private protected override async Task UndoAsync()
    {
        try
        {
            await ForceDeleteAsync();
        }
        catch (ClientException)
        {
            // The first error is what the caller needs.
        }
    }

    /// <returns>False: the process has exited meanwhile.</returns>
    private static async Task<bool> UnlessPastAsync(Task call)
    {
        try
        {
            await call;
            return true;
        }
        catch (ClientException e) when (e.Code is ErrorCode.NotFound or ErrorCode.FailedPrecondition)
        {
            return false;
        }
    }

    private static string? ExecOf(Any? info) =>
        info is not null && info.TypeUrl.EndsWith(ProcessDetails.Descriptor.FullName, StringComparison.Ordinal)
            ? ProcessDetails.Parser.ParseFrom(info.Value).ExecId : null;
}
