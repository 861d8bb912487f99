using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// What a container, or a client, could fill our memory with: output and resizes without end (CVE-2022-31030, CVE-2022-23471).
/// SUPERVISOR_FLOOD says how many megabytes, and how many hundreds of resizes (default 64; the full measure: 1000).
/// </summary>
[Collection(Alone.Name)]
public sealed class FloodTests
{
    private static int Flood => StormTests.Number("SUPERVISOR_FLOOD", 64);

    [Fact]
    public async Task Output_and_resizes_without_end_leave_memory_as_it_was()
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
            await client.Tasks.ResizePtyAsync(new ResizePtyRequest { ContainerId = "c", Width = 80 + (uint)i % 100, Height = 24 }, client.In()));
    }
}
