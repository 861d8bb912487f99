using System.Diagnostics;
using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Events.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Supervisor.Benchmarks;

/// <summary>
/// The lifecycle of a container through containerd's API, step by step, on several daemons in turn, so that other load on the
/// machine affects all of them alike. The daemons are already running; a lifecycle is containers/create, tasks/create, start,
/// wait, and both deletes.
/// </summary>
internal sealed class LifecycleBenchmark(string socket, string bundle) : IDisposable
{
    private static readonly string[] Steps = ["create", "task", "start", "wait", "delete-task", "delete", "lifecycle"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(10);
    private readonly GrpcChannel _channel = Connect(socket);
    private readonly Dictionary<string, List<double>> _times = [];
    private readonly Queue<string> _killed = new();
    private int _lifecycles;

    private Containers.ContainersClient Containers => new(_channel);

    private Tasks.TasksClient Tasks => new(_channel);

    /// <summary>
    /// Prints "step socket p50 p90 ms" for each step on each socket, and the ratio of the last socket to the first.
    /// </summary>
    /// <param name="bundle">A directory with a root file system and a config.json whose program exits at once.</param>
    public static async Task RunAsync(string bundle, int rounds, IReadOnlyList<string> sockets)
    {
        var daemons = sockets.Select(s => new LifecycleBenchmark(s, bundle)).ToList();
        try
        {
            for (var warm = 0; warm < 30; warm++) foreach (var each in daemons) await each.LiveAsync();
            foreach (var each in daemons) each._times.Clear();
            for (var round = 0; round < rounds; round++)
            {
                foreach (var each in daemons) await each.LiveAsync();
                foreach (var each in daemons) await each.KillAsync();
            }
            foreach (var step in (string[])[.. Steps, "kill-to-event"])
            {
                var medians = daemons.ConvertAll(d => d.Print(step));
                if (daemons.Count > 1) Console.WriteLine($"{step}-last/first {medians[^1] / medians[0]:0.00} ratio");
            }
            foreach (var each in daemons)
                Console.WriteLine($"lifecycles-8-at-a-time {each.Name} {await each.RateAsync(400):0} lifecycles/s");
        }
        finally
        {
            foreach (var each in daemons) each.Dispose();
        }
    }

    /// <summary>
    /// From a kill to its event on each socket in turn, with <paramref name="count"/> containers alive at the beginning.
    /// </summary>
    public static async Task RunKillsAsync(string bundle, int count, IReadOnlyList<string> sockets)
    {
        var daemons = sockets.Select(s => new LifecycleBenchmark(s, bundle)).ToList();
        try
        {
            var ids = daemons.ConvertAll(_ => new Queue<string>());
            for (var i = 0; i < count; i++)
                for (var d = 0; d < daemons.Count; d++) ids[d].Enqueue(await daemons[d].StartedAsync());
            Console.WriteLine("alive");
            await Task.Delay(1000);
            for (var i = 0; i < count; i++)
                for (var d = 0; d < daemons.Count; d++) await daemons[d].KillAsync(ids[d].Dequeue());
            var medians = daemons.ConvertAll(d => d.Print("kill-to-event"));
            if (daemons.Count > 1) Console.WriteLine($"kill-to-event-last/first {medians[^1] / medians[0]:0.00} ratio");
            foreach (var each in daemons) await each.DeleteAllAsync();
        }
        finally
        {
            foreach (var each in daemons) each.Dispose();
        }
    }

    /// <summary>
    /// Lifecycles per second with <paramref name="inFlight"/> at a time, and how long each takes then; <paramref name="seconds"/>
    /// for each socket, in slices of a second that take turns.
    /// </summary>
    public static async Task RunLivesAsync(string bundle, int inFlight, int seconds, IReadOnlyList<string> sockets)
    {
        var daemons = sockets.Select(s => new LifecycleBenchmark(s, bundle)).ToList();
        try
        {
            var lives = new int[daemons.Count];
            var spent = new TimeSpan[daemons.Count];
            for (var slice = 0; slice <= seconds; slice++) // the first one warms up
            {
                for (var d = 0; d < daemons.Count; d++)
                {
                    var began = Stopwatch.GetTimestamp();
                    var count = await daemons[d].SliceAsync(inFlight, TimeSpan.FromSeconds(1));
                    if (slice == 0) daemons[d]._times.Clear();
                    else (lives[d], spent[d]) = (lives[d] + count, spent[d] + Stopwatch.GetElapsedTime(began));
                }
            }
            for (var d = 0; d < daemons.Count; d++)
            {
                daemons[d].Print("lifecycle");
                Console.WriteLine($"lives-{inFlight}-in-flight {daemons[d].Name} {lives[d] / spent[d].TotalSeconds:0} lives/s");
            }
        }
        finally
        {
            foreach (var each in daemons) each.Dispose();
        }
    }

    public void Dispose() => _channel.Dispose();

    private string Name => Path.GetFileNameWithoutExtension(socket);

    private double Print(string step)
    {
        var times = _times[step];
        times.Sort();
        Console.WriteLine($"{step} {Name} p50 {times[times.Count / 2]:0.00} p90 {times[times.Count * 9 / 10]:0.00} p99 "
            + $"{times[times.Count * 99 / 100]:0.00} ms");
        return times[times.Count / 2];
    }

    private async Task LiveAsync()
    {
        var id = Id();
        var began = Stopwatch.GetTimestamp();
        await Timed("create", () => CreateAsync(id, "true"));
        await Timed("task", () => TaskAsync(id));
        var exit = Tasks.WaitAsync(new WaitRequest { ContainerId = id }, In()).ResponseAsync;
        await Timed("start", async () => await Tasks.StartAsync(new StartRequest { ContainerId = id }, In()));
        await Timed("wait", () => exit);
        await Timed("delete-task", async () => await Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, In()));
        await Timed("delete", async () => await Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, In()));
        Note("lifecycle", began);
    }

    /// <summary>From the kill of a running container until a subscriber receives its exit.</summary>
    private async Task KillAsync()
    {
        var id = await StartedAsync();
        await KillAsync(id);
        await DeleteAllAsync();
    }

    private async Task<string> StartedAsync()
    {
        var id = Id();
        await CreateAsync(id, "sleep", "1000");
        await TaskAsync(id);
        await Tasks.StartAsync(new StartRequest { ContainerId = id }, In());
        return id;
    }

    private async Task DeleteAsync(string id)
    {
        await Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, In());
        await Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, In());
    }

    private async Task DeleteAllAsync()
    {
        while (_killed.TryDequeue(out var id)) await DeleteAsync(id);
    }

    private async Task KillAsync(string id)
    {
        using var events = new Events.EventsClient(_channel)
            .Subscribe(new SubscribeRequest { Filters = { "topic==\"/tasks/exit\"" } }, In());
        // containerd sends none
        await events.ResponseHeadersAsync.WaitAsync(TimeSpan.FromMilliseconds(200)).ContinueWith(_ => { }, TaskScheduler.Default);
        await Task.Delay(Settle); // what another daemon does after its turn is not measured here
        var began = Stopwatch.GetTimestamp();
        var killed = Tasks.KillAsync(new KillRequest { ContainerId = id, Signal = 9 }, In());
        do
        {
            if (!await events.ResponseStream.MoveNext(CancellationToken.None))
                throw new InvalidOperationException("the event stream has ended");
        }
        while (Containerd.Events.TaskExit.Parser.ParseFrom(events.ResponseStream.Current.Event.Value).ContainerId != id);
        Note("kill-to-event", began);
        await killed;
        _killed.Enqueue(id);
    }

    /// <summary>The number of lifecycles that began within <paramref name="time"/>, when all of them have ended.</summary>
    private async Task<int> SliceAsync(int inFlight, TimeSpan time)
    {
        var began = Stopwatch.GetTimestamp();
        var lives = 0;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(began) < time)
            {
                await LiveAsync();
                Interlocked.Increment(ref lives);
            }
        }));
        return lives;
    }

    private async Task<double> RateAsync(int lifecycles)
    {
        var left = lifecycles;
        return await Benchmark.Rate(lifecycles, () => Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await LiveAsync();
        })));
    }

    private async Task CreateAsync(string id, params string[] arguments)
    {
        var spec = await File.ReadAllTextAsync(Path.Combine(bundle, "config.json"));
        var list = string.Join(", ", arguments.Prepend("/bin/busybox").Select(a => $"\"{a}\""));
        spec = spec.Replace("ARGS", list, StringComparison.Ordinal).Replace("CGROUP", $"/bench/{id}", StringComparison.Ordinal);
        await Containers.CreateAsync(new CreateContainerRequest
        {
            Container = new Container
            {
                Id = id,
                Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
                Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                    Value = ByteString.CopyFromUtf8(spec) },
            },
        }, In());
    }

    private async Task TaskAsync(string id) => await Tasks.CreateAsync(new CreateTaskRequest { ContainerId = id }, In());

    private async Task Timed(string step, Func<Task> work)
    {
        var began = Stopwatch.GetTimestamp();
        await work();
        Note(step, began);
    }

    private void Note(string step, long began)
    {
        lock (_times)
        {
            if (!_times.TryGetValue(step, out var list)) _times[step] = list = [];
            list.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
    }

    private string Id() => $"bench-{Name}-{Environment.ProcessId}-{Interlocked.Increment(ref _lifecycles)}";

    private static CallOptions In() => new(new Metadata { { "containerd-namespace", "bench" } }, DateTime.UtcNow + Patience);

    private static GrpcChannel Connect(string address) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await unix.ConnectAsync(new UnixDomainSocketEndPoint(address), cancel);
                return new NetworkStream(unix, ownsSocket: true);
            },
        },
    });
}
