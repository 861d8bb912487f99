using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// <c>serve --shim per-container</c>: every container has a shim, which runs as long as the container and whose crash affects
/// no other.
/// </summary>
public sealed class PerContainerTests
{
    [Fact]
    public async Task A_killed_shim_affects_only_its_own_container()
    {
        await using var daemon = await DaemonProcess.StartAsync("per-container");
        using var client = new CrashClient(daemon);
        foreach (var id in (string[])["a", "b"]) await Begin(client, id);
        Assert.Equal(2, daemon.ShimPids.Count);
        var (a, b) = (daemon.ShimPidOf("a")!.Value, daemon.ShimPidOf("b")!.Value);
        Assert.Equal(a, ParentOf(await Pid(client, "a")));
        Assert.Equal(b, ParentOf(await Pid(client, "b")));
        await client.Exec("a", "e", "sh", "-c", "exit 3");
        await client.Start("a", "e");
        Assert.Equal(3u, await client.Wait("a", "e"));
        await StormTests.Signal("-KILL", a);
        await Eventually.IsTrue(() => daemon.ShimPidOf("a") is { } next && next != a);
        Assert.Equal(b, daemon.ShimPidOf("b"));
        Assert.Equal(b, ParentOf(await Pid(client, "b")));
        foreach (var id in (string[])["a", "b"])
        {
            await client.Exec(id, "f", "sh", "-c", "exit 4");
            await client.Start(id, "f");
            Assert.Equal(4u, await client.Wait(id, "f"));
            await client.Tasks.KillAsync(new KillRequest { ContainerId = id, Signal = 12 }, client.In());
            Assert.Equal(6u, await client.Wait(id)); // a's was reaped by the daemon: the shim was its child
        }
        await client.Remove("a");
        Assert.Null(daemon.ShimPidOf("a"));
        Assert.False(Directory.Exists(Path.Join(daemon.State, "shims", daemon.Namespace, "a")));
        Assert.Equal([b], daemon.ShimPids);
        await client.Remove("b");
        Assert.Empty(daemon.ShimPids);
        Assert.False(Directory.Exists(Path.Join(daemon.State, "shims", daemon.Namespace)));
    }

    [Fact]
    public async Task A_creation_that_fails_leaves_no_shim()
    {
        await using var daemon = await DaemonProcess.StartAsync("per-container");
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "sh", "-c", "exit 5");
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await client.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "c", Stdout = "/no/such/fifo" }, client.In()));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.StatusCode);
        await Eventually.IsTrue(() => daemon.ShimPids.Count == 0);
        await client.CreateTask("c");
        await client.Start("c");
        Assert.Equal(5u, await client.Wait("c"));
        await client.Remove("c");
        Assert.Empty(daemon.ShimPids);
    }

    [Fact]
    public async Task An_id_longer_than_a_socket_path_has_a_shim_too()
    {
        await using var daemon = await DaemonProcess.StartAsync("per-container");
        using var client = new CrashClient(daemon);
        var id = new string('x', 76);
        await Begin(client, id);
        var shim = daemon.ShimPids.Single();
        await daemon.KillAsync();
        await daemon.RestartAsync();
        Assert.Equal([shim], daemon.ShimPids);
        await client.Tasks.KillAsync(new KillRequest { ContainerId = id, Signal = 12 }, client.In());
        Assert.Equal(6u, await client.Wait(id));
        await client.Remove(id);
        Assert.Empty(daemon.ShimPids);
    }

    /// <summary>A daemon of one mode adopts the containers of the other; a shim exits with its container.</summary>
    [Theory]
    [InlineData("node", "per-container")]
    [InlineData("per-container", "node")]
    public async Task The_next_daemon_may_use_the_other_mode(string first, string next)
    {
        await using var daemon = await DaemonProcess.StartAsync(first);
        using var client = new CrashClient(daemon);
        await Begin(client, "lives");
        await client.CreateContainer("ends", "sh", "-c", "sleep 1; exit 7");
        await client.CreateTask("ends");
        await client.Start("ends");
        var ledger = Path.Join(daemon.State, first is "node" ? "shim" : $"shims/{daemon.Namespace}/ends", "exits");
        await daemon.KillAsync();
        await Eventually.IsTrue(() => File.ReadAllText(ledger).Contains("/ends\t", StringComparison.Ordinal));
        var former = daemon.ShimPids;
        daemon.Shim = next;
        await daemon.RestartAsync();
        Assert.Equal(7u, await client.Wait("ends"));
        await client.Exec("lives", "e", "sh", "-c", "exit 3");
        await client.Start("lives", "e");
        Assert.Equal(3u, await client.Wait("lives", "e"));
        await Begin(client, "new");
        Assert.Equal(next is "node" ? daemon.ShimPid : daemon.ShimPidOf("new"), ParentOf(await Pid(client, "new")));
        Assert.Contains(ParentOf(await Pid(client, "lives")), former);
        await client.Tasks.KillAsync(new KillRequest { ContainerId = "lives", Signal = 12 }, client.In());
        Assert.Equal(6u, await client.Wait("lives"));
        foreach (var id in (string[])["ends", "lives", "new"]) await client.Remove(id);
        Assert.Empty(daemon.ShimPids.Intersect(former));
        Assert.Equal(next is "node" ? 1 : 0, daemon.ShimPids.Count);
    }

    /// <summary>Runs until SIGUSR2, and then exits with 6.</summary>
    private static async Task Begin(CrashClient client, string id)
    {
        await client.CreateContainer(id, "sh", "-c", "trap 'exit 6' USR2; while :; do sleep 0.05; done");
        await client.CreateTask(id);
        await client.Start(id);
        var pid = await Pid(client, id);
        const ulong Usr2 = 1UL << (12 - 1);
        await Eventually.IsTrue(() => File.ReadLines($"/proc/{pid}/status").Any(
            l => l.StartsWith("SigCgt:", StringComparison.Ordinal) && (Convert.ToUInt64(l[7..].Trim(), 16) & Usr2) != 0));
    }

    private static async Task<int> Pid(CrashClient client, string id) =>
        (int)(await client.Tasks.GetAsync(new GetRequest { ContainerId = id }, client.In())).Process.Pid;

    private static int ParentOf(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
    }
}
