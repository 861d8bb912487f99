using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Containerd.Events;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;
using Supervisor.V1;
using Xunit.Abstractions;

namespace Supervisor.Tests.Crash;

/// <summary>
/// Many containers: memory, recovery after a crash, and the latency of exits. The numbers of docs/performance.md come from
/// SUPERVISOR_SCALE=1000 (and SUPERVISOR_SCALE_RESTARTS, for more than one crash); here a few containers show that nothing
/// grows that should not.
/// </summary>
[Collection(Alone.Name)]
public sealed class ScaleTests(ITestOutputHelper output)
{
    private static int Count => StormTests.Number("SUPERVISOR_SCALE", 24);

    /// <summary>Exits right after a restart, reported separately.</summary>
    private const int Cold = 100;

    private static int Restarts => StormTests.Number("SUPERVISOR_SCALE_RESTARTS", 1);

    private static int Execs => StormTests.Number("SUPERVISOR_SCALE_EXECS", 60);

    [Fact]
    public async Task Many_idle_containers_use_little_memory_and_are_soon_adopted_after_a_crash()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await client.CreateContainer("w", "sleep", "1000000");
        await client.CreateTask("w");
        await client.Start("w");
        var before = Memory(daemon);
        Say($"one container: shim {Pss(daemon.ShimPid!.Value)} kB, daemon {Pss(daemon.Pid)} kB of PSS");
        var clock = Stopwatch.StartNew();
        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            await client.CreateContainer($"i{i}", "sleep", "1000000");
            await client.CreateTask($"i{i}");
            await client.Start($"i{i}");
        });
        Say($"{Count} containers created and started in {clock.Elapsed.TotalSeconds:0.0} s");
        await Task.Delay(TimeSpan.FromSeconds(Count >= 100 ? 5 : 0)); // idle means: no call for a while
        Say($"{Count} idle: shim {Pss(daemon.ShimPid!.Value)} kB, daemon {Pss(daemon.Pid)} kB of PSS; "
            + $"{(Memory(daemon) - before) / Count} kB each");

        var answers = new List<double>();
        for (var i = 0; i < Restarts; i++) answers.Add(await ComesBack(daemon, client, clock));
        if (Restarts > 1) Say($"listed again after a crash, p50 of {Restarts}: {answers.Order().ElementAt(Restarts / 2):0.00} s");
        var tasks = (await CrashClient.Ask(() => client.Tasks.ListAsync(new ListTasksRequest(), client.In())))!;
        Assert.All(tasks.Tasks, t => Assert.Equal(Containerd.V1.Types.Status.Running, t.Status));
        // Reconciled: every container accepts a signal, which only an adopted process does.
        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            await CrashClient.Ask(
                () => client.Tasks.KillAsync(new KillRequest { ContainerId = $"i{i}", Signal = 0 }, client.In())));
        Say($"all reconciled {clock.Elapsed.TotalSeconds:0.00} s after its start; shim {Pss(daemon.ShimPid!.Value)} kB, "
            + $"daemon {Pss(daemon.Pid)} kB of PSS");

        // 100 exits per second, while the others keep running.
        var late = new List<double>();
        using (var call = client.History.Subscribe(new EventsSubscribeRequest { Filters = { "topic==\"/tasks/exit\"" } }))
        {
            await call.ResponseHeadersAsync;
            var doomed = Math.Min(Count, 2 * Cold + 300);
            var killing = Task.Run(async () =>
            {
                using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
                for (var i = 0; i < doomed && await pace.WaitForNextTickAsync(); i++)
                    _ = client.Tasks.KillAsync(new KillRequest { ContainerId = $"i{i}", Signal = 9 }, client.In()).ResponseAsync;
            });
            while (late.Count < doomed && await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                var exit = TaskExit.Parser.ParseFrom(call.ResponseStream.Current.Event_.Value);
                late.Add((DateTime.UtcNow - exit.ExitedAt.ToDateTime()).TotalMilliseconds);
            }
            await killing;
        }
        Tell("the first after a restart", late[..Math.Min(Cold, late.Count)]); // code without AOT is compiled then
        if (late.Count > 2 * Cold) Tell("later", late[(2 * Cold)..]);
        Assert.True(Memory(daemon) < 200_000, $"{Memory(daemon)} kB of PSS");
        await Parallel.ForAsync(
            0, Count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await client.Remove($"i{i}"));
        await client.Remove("w");
    }

    /// <returns>Seconds from its start until its first list, which it answers only after it has read the whole
    /// journal.</returns>
    private async Task<double> ComesBack(DaemonProcess daemon, CrashClient client, Stopwatch clock)
    {
        await daemon.KillAsync();
        clock.Restart();
        daemon.Begin();
        while (!await IsListening(daemon.Address)) await Task.Delay(5);
        var listening = clock.Elapsed.TotalSeconds;
        var listed = (await CrashClient.Ask(() => client.Containers.ListAsync(new ListContainersRequest(), client.In())))!;
        var answered = clock.Elapsed.TotalSeconds;
        Assert.Equal(Count + 1, listed.Containers.Count);
        await CrashClient.Ask(() => client.Containers.ListAsync(new ListContainersRequest(), client.In()));
        Say($"listening {listening:0.00} s after its start, listed after {answered:0.00} s ({listed.CalculateSize() / 1000} "
            + $"kB; once more in {(clock.Elapsed.TotalSeconds - answered) * 1000:0} ms)");
        return answered;
    }

    private static async Task<bool> IsListening(string address)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(address));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Endless_execs_do_not_grow_memory_or_descriptors()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "sleep", "1000000");
        await client.CreateTask("c");
        await client.Start("c");
        await Run(Math.Min(Execs / 2, 5_000)); // pools and caches have reached their size
        var (memory, shim, descriptors, shims) =
            (Memory(daemon), Pss(daemon.ShimPid!.Value), Descriptors(daemon.Pid), Descriptors(daemon.ShimPid!.Value));
        var clock = Stopwatch.StartNew();
        await Run(Execs);
        Say($"{Execs} execs in {clock.Elapsed.TotalSeconds:0.0} s; shim {shim} → {Pss(daemon.ShimPid!.Value)} kB, both "
            + $"{memory} → {Memory(daemon)} kB of PSS; " +
            $"descriptors {descriptors} → {Descriptors(daemon.Pid)}, {shims} → {Descriptors(daemon.ShimPid!.Value)}");
        Assert.InRange(Descriptors(daemon.ShimPid!.Value), 0, shims + 5);
        Assert.InRange(Descriptors(daemon.Pid), 0, descriptors + 20);
        Assert.InRange(Pss(daemon.ShimPid!.Value), 0, shim + 8_000);
        await client.Remove("c");

        Task Run(int count) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            await client.Exec("c", $"e{i}", "true");
            await client.Start("c", $"e{i}");
            Assert.Equal(0u, await client.Wait("c", $"e{i}"));
            await CrashClient.Ask(
                () => client.Tasks.DeleteProcessAsync(
                new DeleteProcessRequest { ContainerId = "c", ExecId = $"e{i}" }, client.In()));
        });
    }

    private void Tell(string which, List<double> late)
    {
        late.Sort();
        Say($"exit to subscriber, {which} {late.Count}: p50 {late[late.Count / 2]:0.00} ms, p99 "
            + $"{late[late.Count * 99 / 100]:0.00} ms");
    }

    private void Say(string what)
    {
        output.WriteLine(what);
        if (Environment.GetEnvironmentVariable("SUPERVISOR_SCALE") is not null) Console.WriteLine(what);
    }

    private static long Memory(DaemonProcess daemon) => Pss(daemon.Pid) + Pss(daemon.ShimPid!.Value);

    /// <summary>In kB. proc_pid_smaps(5).</summary>
    internal static long Pss(int pid) => long.Parse(
        File.ReadLines($"/proc/{pid}/smaps_rollup").First(l => l.StartsWith("Pss:", StringComparison.Ordinal))[4..^2],
            NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);

    private static int Descriptors(int pid) => Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length;
}
