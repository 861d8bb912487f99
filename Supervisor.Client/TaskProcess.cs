using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;
using Supervisor.Client.Stdio;

namespace Supervisor.Client;

/// <summary>A process of a container: its task's first one, or an exec. Disposing detaches from its streams.</summary>
public abstract class TaskProcess : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private bool _isInputClosed;

    private protected TaskProcess(DaemonConnection connection, string containerId, string id) =>
        (Connection, ContainerId, Id) = (connection, containerId, id);

    /// <summary>The container that the process runs in.</summary>
    public string ContainerId { get; }

    /// <summary>The exec's id; that of the container for a task.</summary>
    public string Id { get; }

    /// <summary>In the daemon's pid namespace. For information only: another process may have it after the exit.</summary>
    public int Pid { get; internal set; }

    /// <summary>The streams; null if the process was started or loaded without them.</summary>
    public ProcessStdio? Stdio { get; internal set; }

    internal FifoPaths Fifos { get; set; } = FifoPaths.None;

    internal bool HasStarted { get; set; }

    internal string StdioDirectory => Connection.Options.StdioDirectory;

    private protected DaemonConnection Connection { get; }

    /// <summary>As calls name it: empty for a task.</summary>
    private protected abstract string ExecId { get; }

    /// <summary>For messages.</summary>
    private protected abstract string Name { get; }

    /// <summary>Sends a signal.</summary>
    /// <param name="signal">Its number, e.g. 15 for SIGTERM.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="ClientException">NotFound: it has exited.</exception>
    public Task KillAsync(int signal, CancellationToken cancel = default)
    {
        if (signal is < 1 or > 64)
            throw new ClientException(ErrorCode.InvalidArgument, $"signal {signal}: signals have the numbers 1 to 64");
        var request = new KillRequest { ContainerId = ContainerId, ExecId = ExecId, Signal = (uint)signal };
        return Connection.CallAsync($"signal {Name}", c => Connection.Tasks.KillAsync(request, c), cancel);
    }

    /// <summary>Sets the size of its terminal.</summary>
    /// <param name="width">In columns.</param>
    /// <param name="height">In rows.</param>
    /// <param name="cancel">Ends the call.</param>
    public Task ResizeAsync(uint width, uint height, CancellationToken cancel = default)
    {
        var request = new ResizePtyRequest { ContainerId = ContainerId, ExecId = ExecId, Width = width, Height = height };
        return Connection.CallAsync($"resize the terminal of {Name}", c => Connection.Tasks.ResizePtyAsync(request, c), cancel);
    }

    /// <summary>Waits for the exit, also while the daemon is restarted: until cancelled.</summary>
    /// <exception cref="ClientException">NotFound: it was deleted.</exception>
    public async Task<ExitStatus> WaitAsync(CancellationToken cancel = default)
    {
        var request = new WaitRequest { ContainerId = ContainerId, ExecId = ExecId };
        while (true)
        {
            try
            {
                var exit = await Connection.CallAsync(
                    $"wait for {Name}", c => Connection.Tasks.WaitAsync(request, c), timeout: null, cancel);
                return new ExitStatus((int)exit.ExitStatus, exit.ExitedAt.ToDateTimeOffset());
            }
            catch (ClientException e) when (e.Code is ErrorCode.Unavailable)
            {
                await Task.Delay(Pause, cancel); // the next daemon adopts the process
            }
        }
    }

    /// <summary>What it does now.</summary>
    /// <exception cref="ClientException">NotFound: it was deleted.</exception>
    public async Task<ProcessStatus> StatusAsync(CancellationToken cancel = default)
    {
        var process = await ReadAsync(cancel);
        var state = (ProcessState)process.Status;
        return new ProcessStatus(state, state is ProcessState.Stopped
            ? new ExitStatus((int)process.ExitStatus, process.ExitedAt.ToDateTimeOffset()) : null);
    }

    /// <summary>Deletes the exited process, and its FIFOs. What is in its streams can still be read.</summary>
    /// <exception cref="ClientException">FailedPrecondition: it has not exited. NotFound: it was deleted.</exception>
    public async Task<ExitStatus> DeleteAsync(CancellationToken cancel = default)
    {
        DeleteResponse deleted;
        try
        {
            deleted = await Connection.CallAsync($"delete {Name}", Delete, cancel);
        }
        catch (ClientException e) when (e.Code is ErrorCode.Unknown)
        {
            // containerd gives a refusal of its shim no code.
            if ((await StatusAsync(cancel)).State is ProcessState.Stopped) throw;
            throw new ClientException(ErrorCode.FailedPrecondition, e.Message, e);
        }
        ProcessFifos.Remove(Fifos, StdioDirectory);
        return new ExitStatus((int)deleted.ExitStatus, deleted.ExitedAt.ToDateTimeOffset());
    }

    /// <summary>Ends its standard input, as disposing <see cref="ProcessStdio.Input"/> does.</summary>
    public async Task CloseInputAsync()
    {
        _isInputClosed = true;
        if (!HasStarted) return; // StartAsync does it
        var request = new CloseIORequest { ContainerId = ContainerId, ExecId = ExecId, Stdin = true };
        try
        {
            await Connection.CallAsync(
                $"close the input of {Name}", c => Connection.Tasks.CloseIOAsync(request, c), CancellationToken.None);
        }
        catch (ClientException e) when (e.Code is ErrorCode.NotFound or ErrorCode.FailedPrecondition)
        {
            // It has exited.
        }
    }

    /// <summary>Detaches from the streams. The process keeps running.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Stdio is { } stdio) await stdio.DisposeAsync();
    }

    /// <summary>Reads pid and FIFOs from the daemon.</summary>
    internal async Task<Process> ReadAsync(CancellationToken cancel)
    {
        var request = new GetRequest { ContainerId = ContainerId, ExecId = ExecId };
        var process = (await Connection.CallAsync(
            $"load {Name}", c => Connection.Tasks.GetAsync(request, c), cancel)).Process;
        Pid = (int)process.Pid;
        Fifos = new FifoPaths(process.Stdin, process.Stdout, process.Stderr, process.Terminal);
        return process;
    }

    /// <summary>Starts what was created; otherwise removes it.</summary>
    internal async Task StartAsync(CancellationToken cancel)
    {
        try
        {
            cancel.ThrowIfCancellationRequested();
            var request = new StartRequest { ContainerId = ContainerId, ExecId = ExecId };
            Pid = (int)(await Connection.CallAsync(
                $"start {Name}", c => Connection.Tasks.StartAsync(request, c), CancellationToken.None)).Pid;
            HasStarted = true;
            if (_isInputClosed) await CloseInputAsync();
            cancel.ThrowIfCancellationRequested();
        }
        catch
        {
            await UndoAsync();
            throw;
        }
    }

    private protected abstract Grpc.Core.AsyncUnaryCall<DeleteResponse> Delete(Grpc.Core.CallOptions call);

    /// <summary>Kills and deletes it, without an error of its own.</summary>
    private protected abstract Task UndoAsync();
}
