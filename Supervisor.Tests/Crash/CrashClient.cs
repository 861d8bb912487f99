using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Supervisor.Runtime.Oci;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Host;
using Supervisor.Tests.Runtime;

namespace Supervisor.Tests.Crash;

/// <summary>A client of a daemon that may be killed at any moment: it retries until it has an answer.</summary>
internal sealed class CrashClient(DaemonProcess daemon) : IDisposable
{
    /// <summary>A daemon that is killed repeatedly may be up only briefly, for as long as a storm lasts.</summary>
    private static readonly TimeSpan Patience = CommandLine.Patience + 2 * TimeSpan.FromSeconds(StormTests.Kills);
    private readonly GrpcChannel _channel = TestDaemon.Connect(daemon.Address);

    public Containers.ContainersClient Containers => new(_channel);

    public Tasks.TasksClient Tasks => new(_channel);

    public V1.Events.EventsClient History => new(_channel);

    public Containerd.Services.Events.V1.Events.EventsClient Events => new(_channel);

    public CallOptions In(TimeSpan within) =>
        new(new Metadata { { "containerd-namespace", daemon.Namespace } }, DateTime.UtcNow + within);

    public CallOptions In() => In(TimeSpan.FromSeconds(20));

    /// <summary>Retries a call until it is answered: no daemon may be listening, or the connection may break.</summary>
    /// <returns>Null for answers that mean "already done" or "not found".</returns>
    public static async Task<T?> Ask<T>(Func<AsyncUnaryCall<T>> call, params StatusCode[] settled) where T : class
    {
        for (var end = DateTime.UtcNow + Patience; ;)
        {
            try
            {
                return await call();
            }
            catch (RpcException e) when (settled.Contains(e.StatusCode))
            {
                return null;
            }
            catch (RpcException e) when (
                DateTime.UtcNow < end && e.StatusCode is not (StatusCode.InvalidArgument or StatusCode.Unimplemented))
            {
                await Task.Delay(50); // no daemon is up that could notify us
            }
        }
    }

    public Task CreateContainer(string id, params string[] command) =>
        Ask(() => Containers.CreateAsync(ContainerOf(id, command), In()), StatusCode.AlreadyExists);

    public static CreateContainerRequest ContainerOf(string id, params string[] command) => new()
    {
        Container = new Container
        {
            Id = id, Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
            Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                Value = ByteString.CopyFrom(SpecWriter.Write(TestContainers.Shell(command))) },
        },
    };

    public Task CreateTask(string id, CreateTaskRequest? request = null)
    {
        request ??= new CreateTaskRequest();
        request.ContainerId = id;
        request.Rootfs.Add(new Containerd.Types.Mount { Type = "tmpfs", Source = "tmpfs" });
        request.Rootfs.Add(new Containerd.Types.Mount {
            Type = "overlay", Source = "overlay", Options = { "ro", "lowerdir=/:rootfs" } });
        return Ask(() => Tasks.CreateAsync(request, In()), StatusCode.AlreadyExists);
    }

    public Task Start(string id, string exec = "") =>
        Ask(() => Tasks.StartAsync(new StartRequest { ContainerId = id, ExecId = exec }, In()), StatusCode.FailedPrecondition,
            StatusCode.NotFound);

    public Task Exec(string id, string exec, params string[] command) => Exec(id, exec, "", command);

    public Task Exec(string id, string exec, string stdout, string[] command) => Ask(
        () => Tasks.ExecAsync(new ExecProcessRequest
        {
            ContainerId = id, ExecId = exec, Stdout = stdout,
            Spec = new Any
            {
                TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process",
                Value = ByteString.CopyFromUtf8(
                    $$$"""{"args":[{{{string.Join(',', command.Select(c => $"\"{c}\""))}}}],"cwd":"/","env":["PATH=/usr/bin:/bin"],"user":{"uid":0,"gid":0}}"""),
            },
        }, In()), StatusCode.AlreadyExists, StatusCode.FailedPrecondition, StatusCode.NotFound);

    public Task Kill(string id) =>
        Ask(() => Tasks.KillAsync(new KillRequest { ContainerId = id, Signal = 9 }, In()), StatusCode.NotFound,
            StatusCode.FailedPrecondition);

    /// <summary>Kills, waits and deletes until nothing is left.</summary>
    public async Task Remove(string id)
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience; ;)
        {
            await Kill(id);
            var deleted = await Ask(
                () => Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, In()), StatusCode.NotFound,
                StatusCode.FailedPrecondition);
            if (await Ask(() => Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, In()),
                StatusCode.FailedPrecondition, StatusCode.NotFound) is not null) return;
            if (await Ask(() => Containers.GetAsync(new GetContainerRequest { Id = id }, In()), StatusCode.NotFound) is null)
                return;
            Assert.True(DateTime.UtcNow < end, $"{id} cannot be removed (the task's delete gave {deleted})");
            await Task.Delay(20); // it is exiting
        }
    }

    public async Task<uint> Wait(string id, string exec = "") =>
        (await Ask(() => Tasks.WaitAsync(
            new WaitRequest { ContainerId = id, ExecId = exec }, In(CommandLine.Patience))))!.ExitStatus;

    public void Dispose() => _channel.Dispose();
}
