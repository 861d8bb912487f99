using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// Ways for a container or a client to exhaust our memory: endless output and resizes (CVE-2022-31030, CVE-2022-23471), and
/// clients that connect and disconnect (CVE-2025-64329). SUPERVISOR_FLOOD is the number of megabytes, and of hundreds of resizes
/// and clients (default 64; the full measure: 1000).
/// </summary>
[Collection(Alone.Name)]
public sealed class FloodTests
{
    private static int Flood => StormTests.Number("SUPERVISOR_FLOOD", 64);

    [Fact]
    public async Task Endless_output_and_resizes_do_not_grow_memory()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        var fifo = Path.Join(daemon.Place, "out");
        Assert.Equal(0, (await CommandLine.RunAsync("mkfifo", fifo)).Status);
        await client.CreateContainer("c", "sh", "-c", $"head -c {Flood}000000 /dev/zero; while :; do sleep 1; done");
        var read = CommandLine.RunAsync("sh", "-c", $"head -c {Flood}000000 '{fifo}' | wc -c");
        await client.CreateTask("c", new CreateTaskRequest { Terminal = true, Stdout = fifo });
        var shim = daemon.ShimPid!.Value;
        await Resize(Flood * 50);
        var (ours, shims) = (ScaleTests.Pss(daemon.Pid), ScaleTests.Pss(shim));
        await client.Start("c");
        await Resize(Flood * 50);
        Assert.Equal($"{Flood}000000", (await read).Output.Trim());
        await client.Kill("c");
        Assert.Equal(137u, await client.Wait("c"));
        Assert.InRange(ScaleTests.Pss(shim), 0, shims + 8_000);
        Assert.InRange(ScaleTests.Pss(daemon.Pid), 0, ours + 40_000);
        await client.Remove("c");

        Task Resize(int count) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            await client.Tasks.ResizePtyAsync(
                new ResizePtyRequest { ContainerId = "c", Width = 80 + (uint)i % 100, Height = 24 }, client.In()));
    }

    [Fact]
    public async Task Clients_that_attach_and_disconnect_leave_memory_threads_and_descriptors_unchanged()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        var (input, output) = (Path.Join(daemon.Place, "in"), Path.Join(daemon.Place, "out"));
        Assert.Equal(0, (await CommandLine.RunAsync("mkfifo", input, output)).Status);
        await client.CreateContainer("c", "cat");
        await client.CreateTask("c", new CreateTaskRequest { Stdin = input, Stdout = output });
        await client.Start("c");
        using var kept = Open(input, FileAccess.ReadWrite); // the input ends with the last writer
        await Come(Flood * 40);
        var (ours, shims) = (ScaleTests.Pss(daemon.Pid), ScaleTests.Pss(daemon.ShimPid!.Value));
        var (descriptors, threads, shimDescriptors) =
            (Count(daemon.Pid, "fd"), Count(daemon.Pid, "task"), Count(daemon.ShimPid!.Value, "fd"));
        await Come(Flood * 40);
        // A call that outlived its client would keep ten kilobytes.
        Assert.InRange(ScaleTests.Pss(daemon.Pid), 0, ours + 18_000);
        Assert.InRange(ScaleTests.Pss(daemon.ShimPid!.Value), 0, shims + 5_000);
        await Soon(() => Count(daemon.Pid, "fd") <= descriptors + 20, () =>
            $"{descriptors} → {Count(daemon.Pid, "fd")} descriptors");
        await Soon(() => Count(daemon.Pid, "task") <= threads + 20, () => $"{threads} → {Count(daemon.Pid, "task")} threads");
        await Soon(
            () => Count(daemon.ShimPid!.Value, "fd") <= shimDescriptors + 5,
            () => $"{shimDescriptors} → {Count(daemon.ShimPid!.Value, "fd")} descriptors of the shim");
        await client.Kill("c");
        Assert.Equal(137u, await client.Wait("c"));
        await client.Remove("c");

        // Each client waits for the task, follows both kinds of events, sends the container a line and reads it, and disconnects
        // without closing anything.
        Task Come(int count) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) =>
        {
            using var gone = new CancellationTokenSource();
            var options = client.In().WithCancellationToken(gone.Token);
            using var end = Open(output, FileAccess.ReadWrite);
            using var wait = client.Tasks.WaitAsync(new WaitRequest { ContainerId = "c" }, options);
            using var history = client.History.Subscribe(new V1.EventsSubscribeRequest(), options);
            using var events = client.Events.Subscribe(new Containerd.Services.Events.V1.SubscribeRequest(), options);
            using (var begin = Open(input, FileAccess.Write)) begin.WriteByte((byte)'x');
            Assert.Equal('x', end.ReadByte());
            await history.ResponseHeadersAsync;
            await events.ResponseHeadersAsync;
            await gone.CancelAsync();
        });
    }

    private static FileStream Open(string fifo, FileAccess access) => new(fifo, FileMode.Open, access, FileShare.ReadWrite, 0);

    private static int Count(int pid, string what) => Directory.GetFileSystemEntries($"/proc/{pid}/{what}").Length;

    private static async Task Soon(Func<bool> condition, Func<string> otherwise)
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience; !condition(); await Task.Delay(100))
            Assert.True(DateTime.UtcNow < end, otherwise());
    }
}
