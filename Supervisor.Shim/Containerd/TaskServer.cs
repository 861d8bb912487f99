using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;
using Supervisor.Shim.Serving;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// The parent of the containers of a pod, or of one container, for containerd: its Task service. One thread owns everything
/// here; workers do what may block in the kernel, one item at a time per process.
/// </summary>
internal sealed partial class TaskServer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), EndPatience = TimeSpan.FromSeconds(20),
        ImagePatience = TimeSpan.FromMinutes(5), FreezePatience = TimeSpan.FromSeconds(10), Quiet = TimeSpan.FromSeconds(2),
        ReadPatience = TimeSpan.FromSeconds(15), FlushPatience = ReadPatience;
    private static readonly string[] Services = ["containerd.task.v2.Task", "containerd.task.v3.Task"];
    private readonly string _namespace, _socket;
    private readonly Action<string> _log;
    private readonly EventLoop _loop;
    private readonly ContainerHost _host;
    private readonly KeyedWork _work;
    private readonly EventPublisher _events;
    private TtrpcServer? _server;
    private readonly Timer _tidyTimer, _flushTimer;
    private readonly Dictionary<(string Id, string ExecId), TaskProcess> _processes = [];
    private readonly Dictionary<string, RuncOptions> _options = [];
    private readonly HashSet<ContainerProcess> _unread = []; // deleted, with output that nothing has read yet
    private bool _isExiting;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="socket">The listener's path, which this removes when it stops to accept.</param>
    /// <param name="events">containerd's ttrpc socket.</param>
    public TaskServer(Fd listener, string socket, string @namespace, string events, Action<string> log)
    {
        (_namespace, _socket, _log) = (@namespace, socket, log);
        _loop = new EventLoop("shim", Report);
        _work = new KeyedWork(_loop, Rest);
        _host = new ContainerHost(_loop, Report);
        _events = new EventPublisher(_loop, events, @namespace, log);
        _tidyTimer = new Timer(_ => _loop.Post(TidyIfIdle), null, Quiet, Timeout.InfiniteTimeSpan);
        _flushTimer = new Timer(_ => _done.TrySetResult(), null, Timeout.Infinite, Timeout.Infinite);
        _loop.Post(() => // there, for its first call may come at once
        {
            try
            {
                _server = new TtrpcServer(_loop, listener, Handle, log);
            }
            catch (Exception e)
            {
                Report(e);
                _done.TrySetResult(); // containerd sees that no process answers, and cleans up
            }
        });
    }

    /// <summary>Completes when containerd requested the exit and no container is left.</summary>
    public Task Done => _done.Task;

    public void Dispose()
    {
        _tidyTimer.Dispose();
        _flushTimer.Dispose();
        _loop.Dispose();
        _events.Dispose();
        _server?.Dispose();
        _work.Dispose();
        _host.Dispose();
    }

    /// <summary>Exits on a signal, unless processes are left: they would lose their streams and their exits with us.</summary>
    public void RequestExit(string signal) => _loop.Post(() =>
    {
        if (_processes.Count == 0 && _work.IsIdle) Exit();
        else _log($"{signal}: not exiting, {_processes.Count} processes are in this shim; delete them first, or send SIGKILL");
    });

    private void Report(Exception e) => _log($"{e.GetType().Name}: {e.Message}");

    private void Rest()
    {
        _tidyTimer.Change(Quiet, Timeout.InfiniteTimeSpan);
        ExitIfIdle();
    }

    /// <summary>Returns memory that creations used to the kernel: a shim is mostly idle.</summary>
    private void TidyIfIdle()
    {
        if (_work.IsIdle) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private void Handle(TtrpcCall call)
    {
        try
        {
            Dispatch(call);
        }
        catch (Exception e)
        {
            call.Refuse(CodeOf(e), e is InvalidDataException ? $"{call.Method}: {e.Message}" : e.Message);
        }
    }

    private void Dispatch(TtrpcCall call)
    {
        if (!Services.Contains(call.Service, StringComparer.Ordinal))
            throw new TtrpcException(StatusCode.Unimplemented, $"service {call.Service}");
        switch (call.Method)
        {
            case "State": State(call); break;
            case "Create": Create(call); break;
            case "Start": Start(call); break;
            case "Delete": Delete(call); break;
            case "Pids": Pids(call); break;
            case "Pause": Pause(call); break;
            case "Resume": Resume(call); break;
            case "Checkpoint": Checkpoint(call); break;
            case "Kill": Kill(call); break;
            case "Exec": Exec(call); break;
            case "ResizePty": ResizePty(call); break;
            case "CloseIO": CloseIO(call); break;
            case "Update": Update(call); break;
            case "Wait": Wait(call); break;
            case "Stats": Stats(call); break;
            case "Connect": Connect(call); break;
            case "Shutdown": Shutdown(call); break;
            default: throw new TtrpcException(StatusCode.Unimplemented, $"method {call.Method}");
        }
    }

    private void State(TtrpcCall call)
    {
        var request = ProcessRequest.Read(call.Payload);
        var process = Find(request);
        call.Reply(new WireWriter().Text(1, process.Id).Text(2, process.Bundle).Number(3, (uint)process.Pid)
            .Number(4, (ulong)process.Status).Text(5, process.Stdio.Stdin).Text(6, process.Stdio.Stdout)
            .Text(7, process.Stdio.Stderr).Flag(8, process.Stdio.Terminal).Number(9, process.Exit?.Status ?? 0)
            .Message(10, process.Exit is { } exit ? TaskEvents.Timestamp(exit.At) : TaskEvents.Never)
            .Text(11, process.ExecId));
    }

    private void Connect(TtrpcCall call)
    {
        var id = ContainerCall.Read(call.Payload).Id;
        call.Reply(new WireWriter().Number(1, (uint)Environment.ProcessId)
            .Number(2, (uint)(_processes.GetValueOrDefault((id, ""))?.Pid ?? 0)));
    }

    private void Shutdown(TtrpcCall call)
    {
        var request = ContainerCall.Read(call.Payload);
        var left = _processes.Keys.Select(k => k.Id).Distinct().Order(StringComparer.Ordinal).ToList();
        if (left.Count > 0 && request.Now)
            throw new TtrpcException(
                StatusCode.FailedPrecondition, $"now: containers are here ({string.Join(", ", left)}): delete them first");
        if (left.Count == 0) Exit(); // else of a pod: the Shutdown of its last container ends us
        call.Reply(new WireWriter());
    }

    /// <summary>Exits when the last events are acknowledged and the last output is read, which must not take long.</summary>
    private void Exit()
    {
        if (_isExiting) return;
        _isExiting = true;
        // Before the answer: a container of the same id may be created after it, and its shim is another one.
        _server?.StopAccepting();
        File.Delete(_socket);
        _flushTimer.Change(FlushPatience, Timeout.InfiniteTimeSpan);
        _events.OnEmpty = ExitIfIdle;
        _loop.Post(ExitIfIdle);
    }

    private void ExitIfIdle()
    {
        if (_isExiting && _work.IsIdle && _events.IsEmpty && _unread.Count == 0) _done.TrySetResult();
    }

    private void Wait(TtrpcCall call)
    {
        var process = Find(ProcessRequest.Read(call.Payload));
        if (process.Exit is { } exit) call.Reply(Exited(exit));
        else process.Waiting.Add(call);
        if (call is not { IsOpen: true, Timeout: { } timeout }) return;
        call.Deadline = new Timer(
            _ => _loop.Post(() =>
            {
                process.Waiting.Remove(call);
                call.Refuse(StatusCode.DeadlineExceeded, $"{process.Id} did not exit within {timeout.TotalSeconds:0.###} s");
            }), null, Clamp(timeout, TimeSpan.FromDays(1)), Timeout.InfiniteTimeSpan);
    }

    private static WireWriter Exited(TaskExit exit) =>
        new WireWriter().Number(1, exit.Status).Message(2, TaskEvents.Timestamp(exit.At));

    private void Kill(TtrpcCall call)
    {
        var request = ProcessRequest.Read(call.Payload);
        var process = Find(request);
        if (request.Third is 0 or > 64) throw Invalid("signal", $"{request.Third} is not a signal's number, 1 to 64");
        if (process.Exit is not null) throw Finished();
        if (process.Child is null)
            throw new TtrpcException(StatusCode.FailedPrecondition, $"process {process.Id} is not started: start it first");
        var (signal, all) = ((int)request.Third, request.Fourth != 0);
        if (all && process.Container is { } container)
        {
            // Each process of the container is looked at: not on this thread.
            Work(call, (request.Id, "\0kill"), EndPatience, _ =>
            {
                container.SignalAll(signal);
                return () => call.Reply(new WireWriter());
            });
            return;
        }
        if (!process.Child.Signal(signal)) throw Finished();
        call.Reply(new WireWriter());

        static TtrpcException Finished() => new(StatusCode.NotFound, "process already finished");
    }

    private void ResizePty(TtrpcCall call)
    {
        var request = ProcessRequest.Read(call.Payload);
        var process = Find(request);
        if (request.Third > ushort.MaxValue) throw Invalid("width", $"{request.Third} is above {ushort.MaxValue}");
        if (request.Fourth > ushort.MaxValue) throw Invalid("height", $"{request.Fourth} is above {ushort.MaxValue}");
        process.Size = ((ushort)request.Third, (ushort)request.Fourth);
        process.Child?.Resize((ushort)request.Third, (ushort)request.Fourth);
        call.Reply(new WireWriter());
    }

    private void CloseIO(TtrpcCall call)
    {
        var request = ProcessRequest.Read(call.Payload);
        var process = Find(request);
        if (request.Third != 0)
        {
            process.InputClosed = true;
            process.Child?.CloseInput();
        }
        call.Reply(new WireWriter());
    }

    private TaskProcess Find(ProcessRequest request)
    {
        if (_processes.TryGetValue((request.Id, request.ExecId), out var process) && process is not { Pid: 0, Spawn: null })
            return process;
        throw new TtrpcException(StatusCode.NotFound, request.ExecId.Length > 0
            ? $"process {request.ExecId} of container {request.Id}: not found"
            : $"container {request.Id}: not created: not found");
    }

    /// <summary>A container that has not exited.</summary>
    private (string Id, Container Container) Running(string id)
    {
        var init = Find(new ProcessRequest(id, "", 0, 0));
        return init is { Exit: null, Container: { } container }
            ? (id, container)
            : throw new TtrpcException(StatusCode.FailedPrecondition, $"container {id} is not running: it is {init.Status}");
    }

    /// <summary>Queues work behind that for the same key; its failure is the answer.</summary>
    /// <param name="work">Runs on a worker. The action that it returns runs on the loop's thread.</param>
    /// <param name="failed">Called on the loop's thread before a failure is answered.</param>
    private void Work(
        TtrpcCall call, (string Id, string Part) key, TimeSpan patience, Func<CancellationToken, Action> work,
        Action? failed = null)
    {
        if (!_work.TryAdd($"{key.Id}\0{key.Part}", Clamp(call.Timeout ?? patience, patience), work, Fail))
            Fail(new TtrpcException(StatusCode.ResourceExhausted, $"container {key.Id}: too many requests are queued"));

        void Fail(Exception e)
        {
            failed?.Invoke();
            call.Refuse(CodeOf(e), e is OperationCanceledException ? "deadline exceeded; everything was undone" : e.Message);
        }
    }

    private static StatusCode CodeOf(Exception e) => e switch
    {
        TtrpcException t => t.Code,
        InvalidSpecException or InvalidStdioException or InvalidDataException => StatusCode.InvalidArgument,
        DescriptorsExhaustedException => StatusCode.ResourceExhausted,
        OperationCanceledException or TimeoutException => StatusCode.DeadlineExceeded,
        _ => StatusCode.Unknown,
    };

    private static TimeSpan Clamp(TimeSpan time, TimeSpan most) => time < most ? time : most;

    private static TtrpcException Invalid(string field, string why) => new(StatusCode.InvalidArgument, $"{field}: {why}");
}
