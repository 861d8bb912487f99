using System.Diagnostics;
using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.Services.Version.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// A client of a daemon that speaks containerd's API: the containers of the benchmarks, and the calls that they time.
/// </summary>
/// <param name="bundle">A directory with a root file system and a config.json, in which ARGS and CGROUP stand for values.</param>
/// <param name="cgroup">The parent of the containers' cgroups.</param>
/// <param name="runtime">Of the containers.</param>
internal sealed class ApiClient(string socket, string bundle, string cgroup, string runtime = "io.containerd.runc.v2")
    : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Lazy<string> _spec = new(() => File.ReadAllText(Path.Combine(bundle, "config.json")));
    private int _made;

    public static readonly IReadOnlyList<string> Steps =
        ["create", "task", "start", "wait", "delete-task", "delete", "lifecycle"];

    public string Name { get; } = Path.GetFileNameWithoutExtension(socket);

    public GrpcChannel Channel { get; } = Connect(socket);

    private Containers.ContainersClient Containers => new(Channel);

    private Tasks.TasksClient Tasks => new(Channel);

    public void Dispose() => Channel.Dispose();

    public static CallOptions In() => new(new Metadata { { "containerd-namespace", "bench" } }, DateTime.UtcNow + Patience);

    public string NewId() => $"bench-{Name}-{Environment.ProcessId}-{Interlocked.Increment(ref _made)}";

    public async Task VersionAsync() => await new Containerd.Services.Version.V1.Version.VersionClient(Channel)
        .VersionAsync(new Empty(), In());

    /// <summary>A container from its creation to its removal, with a program that exits at once.</summary>
    /// <param name="note">Receives the milliseconds of each of <see cref="Steps"/>.</param>
    public async Task LiveAsync(Action<string, double>? note = null)
    {
        var id = NewId();
        var began = Stopwatch.GetTimestamp();
        await Timed("create", () => CreateAsync(id, "true"));
        await Timed("task", () => CreateTaskAsync(id));
        var exit = WaitAsync(id);
        await Timed("start", () => StartAsync(id));
        await Timed("wait", () => exit);
        await Timed("delete-task", () => DeleteTaskAsync(id));
        await Timed("delete", () => DeleteContainerAsync(id));
        note?.Invoke("lifecycle", Milliseconds(began));

        async Task Timed(string step, Func<Task> work)
        {
            var start = Stopwatch.GetTimestamp();
            await work();
            note?.Invoke(step, Milliseconds(start));
        }
    }

    /// <summary>A running container.</summary>
    public async Task<string> StartedAsync()
    {
        var id = NewId();
        await CreateAsync(id, "sleep", "1000");
        await CreateTaskAsync(id);
        await StartAsync(id);
        return id;
    }

    public async Task CreateAsync(string id, params string[] arguments)
    {
        var list = string.Join(", ", arguments.Prepend("/bin/busybox").Select(a => $"\"{a}\""));
        var spec = _spec.Value.Replace("ARGS", list, StringComparison.Ordinal)
            .Replace("CGROUP", $"{cgroup}/{id}", StringComparison.Ordinal);
        await Containers.CreateAsync(new CreateContainerRequest
        {
            Container = new Container
            {
                Id = id,
                Runtime = new Container.Types.Runtime { Name = runtime },
                Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                    Value = ByteString.CopyFromUtf8(spec) },
            },
        }, In());
    }

    public async Task UpdateAsync(string id, string label) => await Containers.UpdateAsync(new UpdateContainerRequest
    {
        Container = new Container { Id = id, Labels = { { "label", label } } },
        UpdateMask = new FieldMask { Paths = { "labels" } },
    }, In());

    public async Task<int> ListAsync() =>
        (await Containers.ListAsync(new ListContainersRequest(), In())).Containers.Count;

    public async Task CreateTaskAsync(string id) => await Tasks.CreateAsync(new CreateTaskRequest { ContainerId = id }, In());

    public async Task ExecAsync(string id, string exec) => await Tasks.ExecAsync(new ExecProcessRequest
    {
        ContainerId = id, ExecId = exec,
        Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process", Value = ByteString.CopyFromUtf8(
            """{"args":["/bin/busybox","true"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0},"noNewPrivileges":true}""") },
    }, In());

    public async Task StartAsync(string id, string exec = "") =>
        await Tasks.StartAsync(new StartRequest { ContainerId = id, ExecId = exec }, In());

    public async Task WaitAsync(string id, string exec = "") =>
        await Tasks.WaitAsync(new WaitRequest { ContainerId = id, ExecId = exec }, In());

    public async Task KillAsync(string id) => await Tasks.KillAsync(new KillRequest { ContainerId = id, Signal = 9 }, In());

    public async Task DeleteExecAsync(string id, string exec) =>
        await Tasks.DeleteProcessAsync(new DeleteProcessRequest { ContainerId = id, ExecId = exec }, In());

    public async Task DeleteTaskAsync(string id) => await Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, In());

    public async Task DeleteContainerAsync(string id) =>
        await Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, In());

    public async Task DeleteAsync(string id)
    {
        await DeleteTaskAsync(id);
        await DeleteContainerAsync(id);
    }

    public static double Milliseconds(long began) => Stopwatch.GetElapsedTime(began).TotalMilliseconds;

    public static GrpcChannel Connect(string address) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        MaxReceiveMessageSize = null, // a list of thousands
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await unix.ConnectAsync(new UnixDomainSocketEndPoint(address), cancel);
                    return new NetworkStream(unix, ownsSocket: true);
                }
                catch
                {
                    unix.Dispose();
                    throw;
                }
            },
        },
    });
}
