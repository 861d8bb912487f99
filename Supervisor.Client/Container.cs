using Containerd.Runc.V1;
using Containerd.Services.Containers.V1;
using Containerd.Services.Snapshots.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;
using Supervisor.Client.Stdio;
using ContainerRecord = Containerd.Services.Containers.V1.Container;

namespace Supervisor.Client;

/// <summary>A container: a record of what to run. Its properties are as they were when it was loaded.</summary>
public sealed class Container
{
    private readonly DaemonConnection _connection;
    private readonly ContainerRecord _record;

    internal Container(DaemonConnection connection, ContainerRecord record) => (_connection, _record) = (connection, record);

    /// <summary>Unique in the namespace.</summary>
    public string Id => _record.Id;

    /// <summary>Any; may be empty.</summary>
    public IReadOnlyDictionary<string, string> Labels => _record.Labels.AsReadOnly();

    /// <summary>Name of the image; may be empty.</summary>
    public string Image => _record.Image;

    /// <summary>Name of the runtime.</summary>
    public string Runtime => _record.Runtime?.Name ?? "";

    /// <summary>JSON of the OCI runtime spec; empty if there is none.</summary>
    public string Spec => _record.Spec?.Value.ToStringUtf8() ?? "";

    /// <summary>When the container was created.</summary>
    public DateTimeOffset CreatedAt => _record.CreatedAt.ToDateTimeOffset();

    /// <summary>Creates the task and starts its process. If that fails, nothing of it is left.</summary>
    /// <param name="checkpoint">Directory of a checkpoint to restore; null: a new process.</param>
    /// <param name="withStdin">Whether the process has a standard input; it needs <paramref name="attachStdio"/>.</param>
    /// <param name="attachStdio">
    /// Receives the streams before the process starts. Null: the process has /dev/null.
    /// </param>
    /// <param name="cancel">Undoes it, as soon as the daemon has answered the step that it is at.</param>
    /// <exception cref="ClientException">AlreadyExists: there is a task. Others have the reason in the server's text.</exception>
    public async Task<ContainerTask> StartAsync(
        string? checkpoint = null, bool withStdin = false, AttachStdio? attachStdio = null, CancellationToken cancel = default)
    {
        StdioStart.Check(withStdin, attachStdio);
        var request = new CreateTaskRequest
        {
            ContainerId = Id,
            Terminal = attachStdio is not null && JsonSpec.HasTerminal(Spec, isWholeSpec: true),
            Rootfs = { await MountsAsync(cancel) },
            Options = checkpoint is null ? null : RestoreOptions(checkpoint),
        };
        var task = new ContainerTask(_connection, Id);
        await StdioStart.RunAsync(task, withStdin, request.Terminal, attachStdio, async (paths, cancel) =>
        {
            (request.Stdin, request.Stdout, request.Stderr) = (paths.Stdin, paths.Stdout, paths.Stderr);
            cancel.ThrowIfCancellationRequested();
            await CreateAsync(task, request);
            await task.StartAsync(cancel);
        }, cancel);
        return task;
    }

    /// <summary>The container's task, without its streams.</summary>
    /// <exception cref="ClientException">NotFound: there is none.</exception>
    public async Task<ContainerTask> TaskAsync(CancellationToken cancel = default)
    {
        var task = new ContainerTask(_connection, Id);
        await task.ReadAsync(cancel);
        return task;
    }

    /// <summary>The container's task, with the streams of its process.</summary>
    /// <param name="attachStdio">Receives them.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="ClientException">
    /// NotFound: there is no task. FailedPrecondition: another client is attached to it, of this or another process; or its
    /// streams are not FIFOs.
    /// </exception>
    public async Task<ContainerTask> AttachTaskAsync(AttachStdio attachStdio, CancellationToken cancel = default)
    {
        var task = await TaskAsync(cancel);
        await StdioStart.AttachAsync(task, attachStdio, cancel);
        return task;
    }

    /// <summary>Deletes the record, and what only this container uses.</summary>
    /// <exception cref="ClientException">NotFound. FailedPrecondition: it has a task.</exception>
    public Task DeleteAsync(CancellationToken cancel = default) => _connection.CallAsync($"delete container {Id}",
        c => _connection.Containers.DeleteAsync(new DeleteContainerRequest { Id = Id }, c), cancel);

    private async Task<IEnumerable<Containerd.Types.Mount>> MountsAsync(CancellationToken cancel)
    {
        if (_record.SnapshotKey.Length == 0) return [];
        var request = new MountsRequest { Snapshotter = _record.Snapshotter, Key = _record.SnapshotKey };
        return (await _connection.CallAsync($"mounts of snapshot {_record.SnapshotKey} of container {Id}",
            c => _connection.Snapshots.MountsAsync(request, c), cancel)).Mounts;
    }

    /// <summary>The container's own options, and the directory: what a task has of its own takes their place.</summary>
    private Any RestoreOptions(string checkpoint)
    {
        if (!Path.IsPathRooted(checkpoint))
            throw new ClientException(ErrorCode.InvalidArgument, $"checkpoint \"{checkpoint}\": an absolute path is needed");
        var options = _record.Runtime?.Options is { } own && own.Is(Options.Descriptor) ? own.Unpack<Options>() : new Options();
        options.CriuImagePath = checkpoint;
        return new Any { TypeUrl = Options.Descriptor.FullName, Value = options.ToByteString() };
    }

    /// <summary>Not cancelled: containerd carries it on then, and what comes of it would not be known.</summary>
    private async Task CreateAsync(ContainerTask task, CreateTaskRequest request)
    {
        try
        {
            var created = await _connection.CallAsync($"create task of container {Id}",
                c => _connection.Tasks.CreateAsync(request, c), CancellationToken.None);
            task.Pid = (int)created.Pid;
        }
        catch (ClientException e) when (e.Code is ErrorCode.Unavailable or ErrorCode.DeadlineExceeded)
        {
            await UndoUnansweredAsync(request);
            throw;
        }
    }

    /// <summary>A task was perhaps created: it is ours if it has our FIFOs.</summary>
    private async Task UndoUnansweredAsync(CreateTaskRequest request)
    {
        if (request.Stdout.Length == 0) return;
        try
        {
            var task = await TaskAsync();
            if (task.Fifos.Stdout == request.Stdout) await task.ForceDeleteAsync();
        }
        catch (ClientException)
        {
            // There is no task, or no daemon: the caller gets the first error.
        }
    }
}
