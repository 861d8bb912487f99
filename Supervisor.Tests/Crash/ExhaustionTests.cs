using System.Diagnostics;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The journal's disk is full, or no descriptor is free: calls fail with the reason, containers keep running, and nothing is
/// lost when there is space again.
/// </summary>
[Collection(Alone.Name)]
public sealed class ExhaustionTests
{
    private static readonly string[] Ids = ["c0", "c1", "c2", "c3"];

    [Fact]
    public async Task A_full_disk_is_reported_and_no_exit_is_lost_when_there_is_space_again()
    {
        await using var daemon = new DaemonProcess();
        Directory.CreateDirectory(daemon.Root);
        CommandLine.Ok(await CommandLine.RunAsync("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "none", daemon.Root));
        daemon.AfterStop = () => CommandLine.RunAsync("umount", daemon.Root);
        await daemon.RestartAsync();
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        foreach (var id in Ids) await Running(client, id);

        var filler = Path.Join(daemon.Root, "filler");
        try
        {
            Fill(filler);
            await NewWorkIsRefused(client);
            await ExitsAreRecorded(client);
        }
        finally
        {
            File.Delete(filler);
        }
        for (var end = DateTime.UtcNow + TimeSpan.FromSeconds(20); await TryCreate(client, "room") is { } still;
            await Task.Delay(100))
            Assert.True(DateTime.UtcNow < end, still.Status.Detail);
        await Running(client, "after");
        await StormTests.Settled(daemon, client, history);
        Assert.Equal(Ids.Length + 1, history.Exits.Count);
    }

    private static async Task<RpcException?> TryCreate(CrashClient client, string id)
    {
        try
        {
            await client.Containers.CreateAsync(CrashClient.ContainerOf(id, "true"), client.In());
            return null;
        }
        catch (RpcException e)
        {
            return e;
        }
    }

    /// <summary>Calls that need space, once the journal uses its reserve.</summary>
    private static async Task NewWorkIsRefused(CrashClient client)
    {
        RpcException? refused = null;
        for (var i = 0; i < 3000 && refused is null; i++) refused = await TryCreate(client, $"more{i}");
        Assert.Equal(StatusCode.ResourceExhausted, refused!.StatusCode);
        Assert.Contains("full", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("free some space", refused.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task ExitsAreRecorded(CrashClient client)
    {
        var listed = (await client.Tasks.ListAsync(new ListTasksRequest(), client.In())).Tasks;
        Assert.Equal(Ids.Length, listed.Count); // they keep running, and can be listed
        await client.Kill(Ids[0]);
        Assert.Equal(137u, await client.Wait(Ids[0]));
        await client.Remove(Ids[0]);
        using (var kill = Process.Start("kill", ["-KILL", $"{listed.Single(t => t.Id == Ids[1]).Pid}"]))
            await kill.WaitForExitAsync();
        Assert.Equal(137u, await client.Wait(Ids[1]));
    }

    [Theory]
    [InlineData("daemon")]
    [InlineData("shim")]
    public async Task Without_descriptors_creations_are_refused_cleanly_and_succeed_once_there_are_some(string whose)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        foreach (var id in Ids) await Running(client, id);
        using var over = new CancellationTokenSource();
        var keeping = KeepAlive(daemon, over.Token);
        var pid = whose is "daemon" ? daemon.Pid : daemon.ShimPid!.Value;
        var before = CommandLine.Ok(
            await CommandLine.RunAsync("prlimit", "--pid", $"{pid}", "--nofile", "--noheadings", "--raw", "--output", "SOFT"))
            .Trim();
        await Limit(pid, $"{Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length + 6}");

        var refused = 0;
        for (var i = 0; i < 6; i++)
        {
            await client.CreateContainer($"t{i}", "sleep", "1000");
            try
            {
                var request = new CreateTaskRequest { ContainerId = $"t{i}" };
                request.Rootfs.Add(new Containerd.Types.Mount { Type = "tmpfs", Source = "tmpfs" });
                request.Rootfs.Add(new Containerd.Types.Mount {
                    Type = "overlay", Source = "overlay", Options = { "ro", "lowerdir=/:rootfs" } });
                await client.Tasks.CreateAsync(request, client.In(TimeSpan.FromSeconds(3)));
            }
            catch (RpcException)
            {
                refused++;
            }
        }
        Assert.True(refused > 0, "the limit was never reached");

        await Limit(pid, before); // unless it has exited and another has started
        foreach (var id in Ids)
            Assert.Equal(Containerd.V1.Types.Status.Running,
            (await CrashClient.Ask(
            () => client.Tasks.GetAsync(new GetRequest { ContainerId = id }, client.In())))!.Process.Status);
        await Running(client, "after");
        await StormTests.Settled(daemon, client, history);
        await over.CancelAsync();
        await keeping;
    }

    [Theory] // with a limit of 256, a daemon once exited at its 40th container
    [InlineData("daemon")]
    [InlineData("shim")]
    public async Task Creations_are_refused_before_descriptors_run_out(string whose)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await Running(client, "first");
        var pid = whose is "daemon" ? daemon.Pid : daemon.ShimPid!.Value;
        await Limit(pid, $"{Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length + 170}");

        var running = new List<string> { "first" };
        RpcException? refused = null;
        for (var i = 0; i < 60 && refused is null; i++)
        {
            try
            {
                await Running(client, $"c{i}");
                running.Add($"c{i}");
            }
            catch (RpcException e)
            {
                refused = e;
                await client.Containers.DeleteAsync(new DeleteContainerRequest { Id = $"c{i}" }, client.In());
            }
        }
        Assert.Equal(StatusCode.ResourceExhausted, refused?.StatusCode);
        Assert.Contains("descriptors are open", refused!.Status.Detail, StringComparison.Ordinal);
        Assert.False(daemon.HasExited, "the daemon has exited");
        Assert.Equal(running.Count, (await client.Tasks.ListAsync(new ListTasksRequest(), client.In())).Tasks.Count);
        foreach (var id in running) CommandLine.Ok(await daemon.Do("rm", "-f", id)); // enough are left for that
        await Running(client, "after");
        CommandLine.Ok(await daemon.Do("rm", "-f", "after"));
    }

    [Fact]
    public async Task A_limit_below_the_minimum_is_raised_or_refused_at_startup()
    {
        await using var daemon = new DaemonProcess { Wrapper = ["prlimit", "--nofile=128:128"] };
        var refusal = await daemon.RefusesAsync();
        daemon.Wrapper = ["prlimit", "--nofile=600:4096"];
        await daemon.RestartAsync();
        Assert.Contains("descriptors may be open", refusal, StringComparison.Ordinal);
        Assert.Equal("4096",
            CommandLine.Ok(
            await CommandLine.RunAsync(
            "prlimit", "--pid", $"{daemon.Pid}", "--nofile", "--noheadings", "--raw", "--output", "SOFT")).Trim());
    }

    /// <summary>
    /// Restarts the daemon as an init system does: .NET exits at once if it cannot open one of its own files, which must cost
    /// nothing.
    /// </summary>
    private static async Task KeepAlive(DaemonProcess daemon, CancellationToken over)
    {
        for (; !over.IsCancellationRequested; await Task.WhenAny(Task.Delay(100, over)))
            if (daemon.HasExited) daemon.Begin();
    }

    private static async Task Running(CrashClient client, string id)
    {
        await client.CreateContainer(id, "sleep", "1000");
        await client.CreateTask(id);
        await client.Start(id);
    }

    private static Task<CommandLine.Outcome> Limit(int pid, string soft) =>
        CommandLine.RunAsync("prlimit", "--pid", $"{pid}", $"--nofile={soft}:");

    /// <summary>Fills the disk to the last byte.</summary>
    private static void Fill(string file)
    {
        using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        try
        {
            for (var block = new byte[4096]; ;) stream.Write(block);
        }
        catch (IOException)
        {
            // No space left on device.
        }
    }
}
