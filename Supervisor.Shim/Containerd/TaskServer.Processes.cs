using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>The processes of the shim, each from its creation until its deletion.</summary>
internal sealed partial class TaskServer
{
    private const int LongestId = 200;

    private void Create(TtrpcCall call)
    {
        var request = CreateRequest.Read(call.Payload);
        Check("id", request.Id);
        if (!Path.IsPathRooted(request.Bundle) || !Directory.Exists(request.Bundle))
            throw Invalid("bundle", $"\"{request.Bundle}\" is not an absolute path of a directory");
        if (request.ParentCheckpoint.Length > 0)
            throw Invalid("parent_checkpoint", "not supported: name the complete images in checkpoint");
        if (request.Checkpoint.Length > 0 && !Directory.Exists(request.Checkpoint))
            throw Invalid("checkpoint", $"\"{request.Checkpoint}\" is not a directory");
        var options = RuncOptions.Read(request.Options);
        CheckEvents();
        if (_isExiting) throw new TtrpcException(StatusCode.Unavailable, "this shim is exiting; try again");
        var stdio = new StdioTargets(request.Stdin, request.Stdout, request.Stderr, request.Terminal);
        var init = new TaskProcess(request.Id, "", request.Bundle, stdio) { IsBusy = true };
        if (!_processes.TryAdd((request.Id, ""), init))
            throw new TtrpcException(StatusCode.AlreadyExists, $"task {request.Id} already exists");
        _options[request.Id] = options;
        Work(call, (request.Id, ""), Patience, deadline =>
        {
            var made = Request(request, options);
            if (request.Checkpoint.Length > 0)
            {
                // As with runc's shim: its processes run as soon as they are restored, which is therefore its start.
                return () => Created(deadline => Container.Restore(_host, made, Images(request, options), deadline), null);
            }
            DescriptorLimit.CheckRoom();
            var container = Container.Create(_host, made, deadline);
            WritePid(request.Bundle, container);
            return () => Created(null, container);
        }, failed: () => Forget(init));

        void Created(Func<CancellationToken, ContainerProcess>? spawn, Container? container)
        {
            init.IsBusy = false;
            init.Spawn = spawn;
            if (container is not null) Add(init, container);
            _events.Publish(TaskEvents.Created(init, request.Rootfs, request.Checkpoint));
            call.Reply(new WireWriter().Number(1, (uint)init.Pid));
        }
    }

    private static void WritePid(string bundle, ContainerProcess init)
    {
        try
        {
            BundleRecord.WritePid(bundle, init.Pid);
        }
        catch
        {
            init.End(EndPatience);
            throw;
        }
    }

    private ContainerRequest Request(CreateRequest request, RuncOptions options)
    {
        var config = Path.Join(request.Bundle, "config.json");
        if (new FileInfo(config) is { Exists: true, Length: > SpecReader.LargestDocument })
            throw Invalid("bundle", $"{config} has more than {SpecReader.LargestDocument} bytes");
        var stdio = new StdioTargets(request.Stdin, request.Stdout, request.Stderr, request.Terminal);
        return new ContainerRequest(
            request.Bundle, File.ReadAllBytes(config), request.Rootfs, stdio.ForLogBinary(_namespace, request.Id),
            $"/{_namespace}/{request.Id}")
        {
            OwnsBundle = false, RecordsCgroup = true, Id = request.Id, NoPivot = options.NoPivotRoot,
            NewKeyring = !options.NoNewKeyring,
        };
    }

    private static CheckpointOptions Images(CreateRequest request, RuncOptions options) => new()
    {
        ImageDirectory = request.Checkpoint,
        WorkDirectory = options.CriuWorkPath.Length > 0 ? options.CriuWorkPath : Path.Join(request.Bundle, "criu"),
        Criu = options.CriuPath.Length > 0 ? options.CriuPath : CheckpointOptions.DefaultCriu,
    };

    private void Exec(TtrpcCall call)
    {
        var request = ExecProcessRequest.Read(call.Payload);
        var (id, container) = Running(request.Id);
        Check("exec_id", request.ExecId);
        SpecValidator.Validate(ReadProcess(request.Spec));
        if (container.Cgroup.IsFrozen)
            throw new TtrpcException(StatusCode.FailedPrecondition, $"container {id} is paused: resume it first");
        CheckEvents();
        var stdio = new StdioTargets(request.Stdin, request.Stdout, request.Stderr, request.Terminal);
        var exec = new TaskProcess(id, request.ExecId, _processes[(id, "")].Bundle, stdio)
        {
            Spawn = deadline => container.Exec(
                new ExecRequest(request.Spec.Value, stdio.ForLogBinary(_namespace, request.ExecId)), deadline),
        };
        if (!_processes.TryAdd((id, request.ExecId), exec))
            throw new TtrpcException(StatusCode.AlreadyExists, $"process {request.ExecId} of container {id} already exists");
        _events.Publish(TaskEvents.ExecAdded(exec));
        call.Reply(new WireWriter());
    }

    private static ProcessSpec ReadProcess(AnyMessage spec)
    {
        if (!spec.TypeUrl.EndsWith("/Process", StringComparison.Ordinal))
            throw Invalid("spec", $"a {spec.TypeUrl}: the process's specification in JSON is expected");
        try
        {
            return SpecReader.ReadProcess(spec.Value);
        }
        catch (InvalidSpecException e)
        {
            throw Invalid("spec", e.Message);
        }
    }

    private void Start(TtrpcCall call)
    {
        var process = Find(ProcessRequest.Read(call.Payload));
        if (process.IsBusy || process.IsStarting || process.Status is not TaskStatus.Created)
            throw new TtrpcException(
                StatusCode.FailedPrecondition, $"process {process.Id} is {process.Status}: it was started already");
        process.IsStarting = true;
        var (spawn, size) = (process.Spawn, process.Size);
        Work(call, (process.ContainerId, process.ExecId), spawn is null ? Patience : ImagePatience, deadline =>
        {
            var child = process.Child;
            if (spawn is not null)
            {
                DescriptorLimit.CheckRoom();
                child = spawn(deadline);
                if (process.ExecId.Length == 0) WritePid(process.Bundle, child);
                if (size is { } before) child.Resize(before.Columns, before.Rows);
            }
            Exception? failure = null;
            try
            {
                child!.Start(deadline);
            }
            catch (Exception e)
            {
                failure = e; // answered with its exit, which follows
                if (e is OperationCanceledException) child!.Signal((int)Signal.SIGKILL);
            }
            return () => Started(child!, failure);
        }, failed: () =>
        {
            process.IsStarting = false;
            // As with runc's shim: what could not be spawned has exited, and is there to be deleted.
            if (process.Child is null) End(process, new TaskExit(255, DateTimeOffset.UtcNow), publish: false);
        });

        void Started(ContainerProcess child, Exception? failure)
        {
            if (process.Child is null) Add(process, child);
            (process.Spawn, process.IsStarting, process.IsStarted) = (null, false, true);
            if (process.Size is { } after && after != size) child.Resize(after.Columns, after.Rows);
            if (process.InputClosed) child.CloseInput();
            if (failure is null)
            {
                _events.Publish(TaskEvents.Started(process));
                call.Reply(new WireWriter().Number(1, (uint)process.Pid));
            }
            // A client deletes at once what it could not start: it must have exited by then.
            else process.FailedStart = () => call.Refuse(CodeOf(failure), failure.Message);
            if (process.PendingExit is { } exit) OnExit(process, exit);
        }
    }

    private void Delete(TtrpcCall call)
    {
        var process = Find(ProcessRequest.Read(call.Payload));
        if (process.IsBusy || process.IsStarting)
            throw new TtrpcException(StatusCode.FailedPrecondition, $"process {process.Id} is being started or deleted");
        if (process.Status is TaskStatus.Running or TaskStatus.Paused)
            throw new TtrpcException(
                StatusCode.FailedPrecondition,
                $"cannot delete a running process: {process.Id} is {process.Status}: kill it first");
        if (process.ExecId.Length == 0 && Execs(process.ContainerId).Any(e => e.IsBusy || e.IsStarting))
            throw new TtrpcException(
                StatusCode.FailedPrecondition, $"container {process.ContainerId}: an exec is being started or deleted");
        if (process.Child is null)
        {
            Deleted(call, process, process.Exit ?? new TaskExit(0, DateTimeOffset.UtcNow));
            return;
        }
        process.IsBusy = true;
        if (process.Exit is null) process.Child.Signal((int)Signal.SIGKILL); // never started
        Work(call, (process.ContainerId, process.ExecId), EndPatience, deadline =>
        {
            if (process.ExecId.Length == 0) process.Child.EndExceptOutput(EndPatience);
            return () =>
            {
                // The reaper may have been overtaken.
                if (process.Exit is null) End(process, new TaskExit(137, DateTimeOffset.UtcNow), publish: true);
                if (process.ExecId.Length == 0) Bundle.RemoveCgroupRecord(process.Bundle);
                Deleted(call, process, process.Exit!.Value);
            };
        }, failed: () => process.IsBusy = false);
    }

    private void Deleted(TtrpcCall call, TaskProcess process, TaskExit exit)
    {
        foreach (var exec in process.ExecId.Length == 0 ? Execs(process.ContainerId) : [])
        {
            // Killed with the container, and not reported yet.
            if (exec is { Exit: null, Child: { } child })
                End(exec, new TaskExit((uint)(child.Wait(TimeSpan.Zero)?.Code ?? 137), DateTimeOffset.UtcNow), publish: true);
            Forget(exec);
        }
        Forget(process);
        if (process.ExecId.Length == 0) _events.Publish(TaskEvents.Deleted(process, exit));
        call.Reply(new WireWriter().Number(1, (uint)process.Pid).Number(2, exit.Status)
            .Message(3, TaskEvents.Timestamp(exit.At)));
    }

    private List<TaskProcess> Execs(string id) =>
        [.. _processes.Values.Where(p => p.ContainerId == id && p.ExecId.Length > 0)];

    /// <summary>It is spawned: its exit will be reported.</summary>
    private void Add(TaskProcess process, ContainerProcess child)
    {
        process.SpawnedAs(child);
        child.Watch(
            exit => _loop.Post(() => OnExit(process, exit)),
            () => _loop.Post(() => _events.Publish(TaskEvents.OutOfMemory(process.ContainerId))));
    }

    private void OnExit(TaskProcess process, ProcessExit exit)
    {
        if (process.Exit is not null) return;
        if (process.IsStarting)
        {
            process.PendingExit = exit; // its start is published first
            return;
        }
        End(process, new TaskExit((uint)(exit.Status?.Code ?? 255), exit.At),
            publish: process is { FailedStart: null } or { ExecId.Length: 0 }); // an exec that failed to start was never there
        Unmount(process);
    }

    private void End(TaskProcess process, TaskExit exit, bool publish)
    {
        process.Exit = exit;
        if (publish) _events.Publish(TaskEvents.Exited(process, exit));
        foreach (var call in process.Waiting) call.Reply(Exited(exit));
        process.Waiting.Clear();
        process.FailedStart?.Invoke();
    }

    /// <summary>Before what is requested for the container from now on: its removal finds nothing mounted.</summary>
    private void Unmount(TaskProcess exited)
    {
        if (exited.TakeMounts() is not { } mounts) return;
        if (!_work.TryAdd($"{exited.ContainerId}\0", Quiet, Close, Report)) mounts.Dispose();

        Action Close(CancellationToken deadline)
        {
            mounts.Dispose();
            return static () => { };
        }
    }

    private void Forget(TaskProcess process)
    {
        if (!_processes.Remove((process.ContainerId, process.ExecId))) return;
        process.TakeMounts()?.Dispose();
        if (process.Child is { } child) Release(child);
        if (process.ExecId.Length == 0) _options.Remove(process.ContainerId);
        if (process.Exit is null) End(process, new TaskExit(255, DateTimeOffset.UtcNow), publish: false);
    }

    /// <summary>
    /// Closes its streams once its output has been read: a client that opens them after a short process was deleted, as a busy
    /// ctr does, finds the output all the same.
    /// </summary>
    private void Release(ContainerProcess child)
    {
        if (child.OutputFinished.IsCompleted)
        {
            child.Dispose();
            return;
        }
        _unread.Add(child);
        Task.WhenAny(child.OutputFinished, Task.Delay(ReadPatience)).ContinueWith(
            _ => _loop.Post(() =>
            {
                child.Dispose();
                _unread.Remove(child);
                ExitIfIdle();
            }), TaskScheduler.Default);
    }

    private void CheckEvents()
    {
        if (_events.IsFull)
            throw new TtrpcException(
                StatusCode.ResourceExhausted, $"{EventPublisher.MostWaiting} events wait for containerd, which takes none: no "
                + "process is started until it does");
    }

    /// <summary>containerd's identifiers. The id becomes a part of paths.</summary>
    private static void Check(string field, string id)
    {
        if (id.Length is 0 or > LongestId || !char.IsAsciiLetterOrDigit(id[0])
            || id.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            throw Invalid(field, $"\"{id}\" is not 1 to {LongestId} of the characters A-Z, a-z, 0-9, -, _ and .");
    }
}
