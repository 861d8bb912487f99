using Containerd.V1.Services.Shim;
using Containerd.V1.Services.Shim.Types;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Stdio;
using static Supervisor.ShimService.ErrorInterceptor;
using ExecRequest = Containerd.V1.Services.Shim.ExecRequest;
using Status = Containerd.V1.Services.Shim.Types.Status;

namespace Supervisor.ShimService;

/// <summary>
/// The Shim service of one container: validates, asks the shim, answers. Codes and messages are containerd's where it has them.
/// </summary>
internal sealed class ShimService(ShimLink link) : Shim.ShimBase
{
    private const int LastSignal = 64;
    private static readonly Empty Done = new();
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(20), CheckpointTimeout = TimeSpan.FromMinutes(2);

    private FrontArguments Arguments => link.Arguments;

    public override async Task<CreateResponse> Create(CreateRequest request, ServerCallContext context)
    {
        if (request.Id != Arguments.Id)
            throw Invalid("id", $"\"{request.Id}\" is not the container of this socket, which is \"{Arguments.Id}\"");
        if (link.Find(Arguments.Container) is not null)
            throw Refuse(StatusCode.AlreadyExists, $"container \"{Arguments.Id}\": already exists");
        if (!Arguments.IsAlone)
            throw Refuse(StatusCode.FailedPrecondition, "a daemon owns this container: create it by the Tasks service");
        if (request.Runtime is not ("" or "runc" or "supervisor-oci"))
            throw Invalid("runtime", $"\"{request.Runtime}\" is not this shim's: leave it empty");
        if (request.ParentCheckpoint.Length > 0)
            throw Invalid("parent_checkpoint", "images name their parent themselves: leave it empty");
        var bundle = request.Bundle.Length == 0 ? Arguments.Bundle : Path.GetFullPath(request.Bundle, Arguments.Bundle);
        if (bundle.TrimEnd('/') != Arguments.Bundle.TrimEnd('/'))
            throw Invalid("bundle", $"\"{request.Bundle}\" is not the bundle of this shim, which is \"{Arguments.Bundle}\"");
        var create = new ContainerRequest(
            Arguments.Bundle, await ReadSpecAsync(bundle, context.CancellationToken), [.. request.Rootfs.Select(ToMount)],
            new StdioTargets(request.Stdin, request.Stdout, request.Stderr, request.Terminal), $"/{Arguments.Container}")
        { OwnsBundle = false };
        await (request.Checkpoint.Length == 0
            ? link.CallAsync(ShimKind.Create, Body(m => m.Put(create).Flag(request.NoPivot)), create.Spec)
            : RestoreAsync(request, create));
        return new CreateResponse { Pid = (uint)Init().Pid };
    }

    public override async Task<Empty> Start(StartRequest request, ServerCallContext context)
    {
        if (StatusOf(Init()) is not Status.Created and var status) throw Cannot("start", status, "process");
        await link.CallAsync(ShimKind.Start, Body());
        return Done;
    }

    public override async Task<DeleteResponse> Delete(DeleteRequest request, ServerCallContext context)
    {
        var process = Process(request.Pid);
        if (process.Exit is not { } exit) throw Cannot("delete", StatusOf(process), "process");
        if (!process.IsExec && Arguments.IsAlone)
            await link.CallAsync(
                ShimKind.End,
                m => m.Text(process.Key).I32((int)EndTimeout.TotalMilliseconds).Text("").Pairs(process.CgroupPaths));
        else await link.CallAsync(ShimKind.Delete, m => m.Text(process.Key));
        return new DeleteResponse { ExitStatus = (uint)(exit.Status ?? 255), ExitedAt = exit.At.ToTimestamp() };
    }

    public override Task<StateResponse> State(StateRequest request, ServerCallContext context)
    {
        var init = Init();
        var response = new StateResponse
        {
            Id = Arguments.Id, Bundle = init.Bundle, Pid = (uint)init.Pid, Status = StatusOf(init), Processes = { Describe() },
        };
        return Task.FromResult(response);
    }

    public override Task<ProcessesResponse> Processes(ProcessesRequest request, ServerCallContext context)
    {
        if (request.Id.Length > 0 && request.Id != Arguments.Id)
            throw Invalid("id", $"\"{request.Id}\" is not the container of this socket, which is \"{Arguments.Id}\"");
        _ = Init();
        return Task.FromResult(new ProcessesResponse { Processes = { Describe() } });
    }

    public override async Task<Empty> Pause(PauseRequest request, ServerCallContext context)
    {
        if (StatusOf(Init()) is not Status.Running and var status) throw Cannot("pause", status, "container");
        await link.CallAsync(ShimKind.Freeze, Body());
        return Done;
    }

    public override async Task<Empty> Resume(ResumeRequest request, ServerCallContext context)
    {
        if (StatusOf(Init()) is not Status.Paused and var status) throw Cannot("resume", status, "container");
        await link.CallAsync(ShimKind.Thaw, Body());
        return Done;
    }

    public override async Task<Empty> Checkpoint(CheckpointRequest request, ServerCallContext context)
    {
        var status = StatusOf(Init());
        if (status is not (Status.Running or Status.Paused)) throw Cannot("checkpoint", status, "container");
        var options = new CheckpointOptions
        {
            ImageDirectory = Absolute(request.Image, "image"), LeaveRunning = !request.Exit, TcpEstablished = request.AllowTcp,
            ExternalUnixSockets = request.AllowUnixSockets, ShellJob = request.AllowTerminal, FileLocks = request.FileLocks,
            EmptyNamespaces = [.. request.EmptyNamespaces], Criu = CriuProgram.Find(CheckpointOptions.DefaultCriu),
        };
        await link.CallAsync(
            ShimKind.Checkpoint,
            m => m.Text(Arguments.Container).I32((int)CheckpointTimeout.TotalMilliseconds).Put(options), null, CheckpointTimeout);
        return Done;
    }

    /// <summary>The front exits after the answer; the shim too, if it has no daemon and nothing runs.</summary>
    public override async Task<Empty> Exit(ExitRequest request, ServerCallContext context)
    {
        await link.CallAsync(ShimKind.Leave, static _ => { });
        link.RequestExit();
        return Done;
    }

    public override async Task Events(EventsRequest request, IServerStreamWriter<Event> responseStream, ServerCallContext context)
    {
        var events = link.Subscribe();
        try
        {
            await context.WriteResponseHeadersAsync([]); // the client knows that nothing is missed from now on
            await foreach (var happened in events.Reader.ReadAllAsync(context.CancellationToken))
                await responseStream.WriteAsync(happened, context.CancellationToken);
            throw Refuse(StatusCode.Unavailable, "the front exits: subscribe again");
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // the client has left
        }
        finally
        {
            link.Unsubscribe(events);
        }
    }

    public override async Task<Empty> Kill(KillRequest request, ServerCallContext context)
    {
        if (request.Signal > LastSignal) throw Invalid("signal", $"{request.Signal} is not a signal, which is 0 to {LastSignal}");
        var init = Init();
        var process = request.Pid == 0 ? init : Process(request.Pid);
        if (request.All && process != init)
            throw Invalid("all", $"process {process.Pid} is not the init: signal it, or all processes");
        var reply = await link.CallAsync(
            ShimKind.Signal, m => m.Text(process.Key).I32((int)request.Signal).Flag(request.All));
        if (!reply.Flag() && !request.All) throw Refuse(StatusCode.NotFound, "process already finished");
        return Done;
    }

    public override async Task<ExecResponse> Exec(ExecRequest request, ServerCallContext context)
    {
        if (request.Spec is not { Value.Length: > 0 } spec) throw Invalid("spec", "is missing: an OCI process as JSON");
        if (spec.TypeUrl.Length > 0 && !spec.TypeUrl.EndsWith("/Process", StringComparison.Ordinal))
            throw Invalid("spec", $"\"{spec.TypeUrl}\" is not the type of an OCI process");
        if (StatusOf(Init()) is not Status.Running and var status)
            throw Refuse(
                StatusCode.FailedPrecondition, $"cannot exec in a {Word(status)} container: "
                    + (status is Status.Paused ? "resume it first" : "it must run"));
        var key = $"{Arguments.Container}/{ServiceExecs.NewId()}";
        var stdio = new StdioTargets(request.Stdin, request.Stdout, request.Stderr, request.Terminal);
        var reply = await link.CallAsync(
            ShimKind.Exec, m => m.Text(key).I32(ShimRuntime.CallMilliseconds).Text(Arguments.Container).Put(stdio),
            spec.Value.Memory);
        return new ExecResponse { Pid = (uint)reply.I32() };
    }

    public override async Task<Empty> Pty(PtyRequest request, ServerCallContext context)
    {
        var process = Process(request.Pid);
        if (!process.Terminal)
            throw Refuse(StatusCode.FailedPrecondition, $"process {process.Pid} has no terminal");
        if (request.Width > ushort.MaxValue) throw Invalid("width", $"{request.Width} is more than {ushort.MaxValue}");
        if (request.Height > ushort.MaxValue) throw Invalid("height", $"{request.Height} is more than {ushort.MaxValue}");
        await link.CallAsync(
            ShimKind.Resize, m => m.Text(process.Key).I32((int)request.Width).I32((int)request.Height));
        return Done;
    }

    public override async Task<Empty> CloseStdin(CloseStdinRequest request, ServerCallContext context)
    {
        var process = Process(request.Pid);
        await link.CallAsync(ShimKind.CloseInput, m => m.Text(process.Key));
        return Done;
    }

    private Task<MessageReader> RestoreAsync(CreateRequest request, ContainerRequest create)
    {
        if (request.NoPivot) throw Invalid("no_pivot", "is not possible with a checkpoint");
        var images = Absolute(request.Checkpoint, "checkpoint");
        if (!Directory.Exists(images)) throw Invalid("checkpoint", $"\"{images}\" is not a directory");
        var options = new CheckpointOptions { ImageDirectory = images, Criu = CriuProgram.Find(CheckpointOptions.DefaultCriu) };
        return link.CallAsync(ShimKind.Restore, Body(m => m.Put(create).Put(options)), create.Spec, CheckpointTimeout);
    }

    private Action<MessageWriter> Body(Action<MessageWriter>? rest = null) => m =>
    {
        m.Text(Arguments.Container).I32(ShimRuntime.CallMilliseconds);
        rest?.Invoke(m);
    };

    private IEnumerable<Containerd.V1.Services.Shim.Types.Process> Describe()
    {
        var paused = link.Init is { } init && ProcessDescriptions.IsPaused(init);
        return link.Processes.Select(p => ProcessDescriptions.Describe(p, paused));
    }

    private static Status StatusOf(ShimProcessView process) =>
        ProcessDescriptions.StatusOf(process, !process.IsExec && ProcessDescriptions.IsPaused(process));

    private ShimProcessView Init() =>
        link.Init ?? throw Refuse(StatusCode.NotFound, $"container \"{Arguments.Id}\": not found");

    private ShimProcessView Process(uint pid) => link.Processes.FirstOrDefault(p => p.Pid == pid)
        ?? throw Refuse(StatusCode.NotFound, $"process {pid}: not found in container \"{Arguments.Id}\"");

    private static async Task<byte[]> ReadSpecAsync(string bundle, CancellationToken cancellation)
    {
        var file = Path.Join(bundle, "config.json");
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > Payload.Maximum })
                throw Invalid("bundle", $"{file} has more than {Payload.Maximum} bytes");
            return await File.ReadAllBytesAsync(file, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid("bundle", $"{file} cannot be read: {e.Message}");
        }
    }

    private static RootMount ToMount(Mount mount) => new(mount.Type, mount.Source, mount.Target, [.. mount.Options]);

    private static string Absolute(string path, string field) => path.StartsWith('/')
        ? path : throw Invalid(field, $"\"{path}\" is not an absolute path");

    private static RpcException Invalid(string field, string why) => Refuse(StatusCode.InvalidArgument, $"{field}: {why}");

    private static RpcException Cannot(string verb, Status status, string what) =>
        Refuse(StatusCode.FailedPrecondition, $"cannot {verb} a {Word(status)} {what}");

    private static string Word(Status status) => status switch
    {
        Status.Created => "created",
        Status.Running => "running",
        Status.Paused => "paused",
        _ => "stopped",
    };
}
