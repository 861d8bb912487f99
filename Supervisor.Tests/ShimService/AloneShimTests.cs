using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;

namespace Supervisor.Tests.ShimService;

/// <summary>The Shim service of a container that has no daemon, with a client of another language.</summary>
public sealed class AloneShimTests
{
    [Fact]
    public async Task A_container_lives_its_whole_life_without_a_daemon()
    {
        await using var alone = await AloneShim.StartAsync();
        await using var shim = new NodeShimClient(alone.Socket);
        var life = new ServiceLife(shim, alone.Place);
        await shim.Refuses(StatusCode.NotFound, "State");
        await shim.Refuses(StatusCode.InvalidArgument, "Create", alone.Create("another"));
        var events = await shim.Events();
        var pid = (await shim.Call("Create", alone.Create())).GetProperty("pid").GetUInt32();
        Assert.Equal($"CREATE {pid} 0", await NodeShimClient.Next(events));
        Assert.Equal("CREATED", await shim.Status());
        await shim.Refuses(StatusCode.AlreadyExists, "Create", alone.Create());
        await shim.Refuses(StatusCode.FailedPrecondition, "Pause");
        await shim.Call("Start");
        Assert.Equal($"START {pid} 0", await NodeShimClient.Next(events));
        await shim.Refuses(StatusCode.FailedPrecondition, "Start");
        Assert.Equal("RUNNING", await shim.Status());
        await life.ListsAndKillsProcesses(pid);
        Assert.StartsWith("EXEC_ADDED ", await NodeShimClient.Next(events), StringComparison.Ordinal);
        Assert.EndsWith(" 137", await NodeShimClient.Next(events), StringComparison.Ordinal);
        await life.ExecsWithAndWithoutTerminal();
        await life.PausesAndResumes();
        await shim.Call("Kill", new { signal = 15 });
        Assert.Equal(6u, await shim.Collect(pid));
        await shim.Refuses(StatusCode.NotFound, "State");
        var seen = new List<string>();
        while (!seen.Contains($"EXIT {pid} 6")) seen.Add(await NodeShimClient.Next(events));
        Assert.Contains($"PAUSED {pid} 0", seen);
        await shim.Call("Exit");
        Assert.Equal(0, await alone.ExitAsync());
        Assert.False(Directory.Exists(Path.Join(alone.State, AloneShim.Namespace)));
        Assert.False(Directory.Exists($"/sys/fs/cgroup/memory/{AloneShim.Namespace}/{alone.Id}"));
    }

    [Fact]
    public async Task An_exit_is_kept_until_it_is_deleted_and_begins_the_events_of_the_next_subscriber()
    {
        await using var alone = await AloneShim.StartAsync();
        await using var shim = new NodeShimClient(alone.Socket);
        var pid = (await shim.Call("Create", alone.Create())).GetProperty("pid").GetUInt32();
        await shim.Call("Start");
        var exec = await shim.Exec("exit 9");
        await Eventually.IsTrue(async () => (await shim.Find(exec)).GetProperty("status").GetString() == "STOPPED");
        Assert.Equal($"EXIT {exec} 9", await NodeShimClient.Next(await shim.Events()));
        Assert.Equal(9u, await shim.Collect(exec));
        await shim.Call("Kill", new { signal = 9, all = true });
        await Eventually.IsTrue(async () => await shim.Status() == "STOPPED");
        Assert.Equal($"EXIT {pid} 137", await NodeShimClient.Next(await shim.Events()));
        await shim.Call("Exit"); // nothing runs: what is left is removed
        Assert.Equal(0, await alone.ExitAsync());
        Assert.False(Directory.Exists($"/sys/fs/cgroup/memory/{AloneShim.Namespace}/{alone.Id}"));
    }

    [Fact]
    public async Task The_front_exits_when_it_is_idle_and_comes_again_and_a_killed_one_loses_nothing()
    {
        await using var alone = await AloneShim.StartAsync("--idle", "0.5");
        await using (var first = new NodeShimClient(alone.Socket))
        {
            await first.Call("Create", alone.Create());
            await first.Call("Start");
            Assert.Single(FrontsOf(alone));
        }
        await Eventually.IsTrue(() => FrontsOf(alone).Count == 0);
        await using var second = new NodeShimClient(alone.Socket);
        var exec = await second.Exec("exit 5");
        await Eventually.IsTrue(async () => (await second.Find(exec)).GetProperty("status").GetString() == "STOPPED");
        CommandLine.Ok(await CommandLine.RunAsync("kill", "-KILL", $"{FrontsOf(alone).Single()}"));
        await using var third = new NodeShimClient(alone.Socket);
        await Eventually.IsTrue(async () =>
        {
            try { return await third.Status() == "RUNNING"; }
            catch (NodeShimClient.RefusedException e) when (e.Code is StatusCode.Unavailable) { return false; }
        });
        Assert.Equal(5u, await third.Collect(exec));
        await third.Call("Kill", new { signal = 9 });
        await Eventually.IsTrue(async () => await third.Status() == "STOPPED");
        await third.Call("Exit");
        Assert.Equal(0, await alone.ExitAsync());
    }

    [Fact]
    public async Task The_socket_is_its_owners_alone_whatever_the_umask_and_its_path_may_be_long()
    {
        var place = Directory.CreateTempSubdirectory("supervisor-alone-");
        var socket = Path.Join(place.FullName, new string('d', 120), "shim.sock");
        Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
        try
        {
            await using var alone = await AloneShim.StartAsync("--socket", socket);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(Path.Join(alone.State, AloneShim.Namespace, alone.Id)));
            CommandLine.Ok(await CommandLine.RunAsync("kill", "-TERM", $"{alone.Pid}"));
            Assert.Equal(0, await alone.ExitAsync());
            Assert.False(File.Exists(socket));
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_shim_after_a_killed_one_removes_its_container()
    {
        await using var alone = await AloneShim.StartAsync();
        uint pid;
        await using (var first = new NodeShimClient(alone.Socket))
        {
            pid = (await first.Call("Create", alone.Create())).GetProperty("pid").GetUInt32();
            await first.Call("Start");
        }
        Assert.True(RunningProcess.Exists((int)pid));
        await alone.KillAndStartAgainAsync();
        Assert.False(RunningProcess.Exists((int)pid));
        Assert.False(Directory.Exists($"/sys/fs/cgroup/memory/{AloneShim.Namespace}/{alone.Id}"));
        await using var second = new NodeShimClient(alone.Socket);
        await second.Refuses(StatusCode.NotFound, "State");
        await second.Call("Create", alone.Create());
        await second.Call("Start");
        Assert.Equal("RUNNING", await second.Status());
        await second.Call("Kill", new { signal = 9 });
        await Eventually.IsTrue(async () => await second.Status() == "STOPPED");
        await second.Call("Exit");
        Assert.Equal(0, await alone.ExitAsync());
        Assert.Empty(Directory.GetFiles(alone.Bundle, "cgroup*"));
        Assert.False(Directory.Exists(Path.Join(alone.State, AloneShim.Namespace)));
    }

    [Fact]
    public async Task A_bundle_has_one_shim()
    {
        await using var alone = await AloneShim.StartAsync();
        var other = await CommandLine.RunAsync(
            Path.Join(Repository.Bin, "supervisor-shim"), "--id", "other", "--bundle", alone.Bundle, "--namespace",
            AloneShim.Namespace, "--state", alone.State);
        Assert.NotEqual(0, other.Status);
        Assert.Contains($"another shim uses the bundle {alone.Bundle}", other.Errors, StringComparison.Ordinal);
        CommandLine.Ok(await CommandLine.RunAsync("kill", "-TERM", $"{alone.Pid}"));
        Assert.Equal(0, await alone.ExitAsync());
    }

    [Fact]
    public async Task A_malformed_message_is_an_invalid_argument()
    {
        await using var alone = await AloneShim.StartAsync();
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress("http://localhost", new()
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancel) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(alone.Socket), cancel);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
            DisposeHttpClient = true,
        });
        var raw = Marshallers.Create<byte[]>(b => b, b => b);
        byte[] garbage = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]; // a field that is longer than the message
        foreach (var (type, name) in new[] { (MethodType.Unary, "State"), (MethodType.ServerStreaming, "Events") })
        {
            var method = new Method<byte[], byte[]>(type, "containerd.v1.services.shim.Shim", name, raw, raw);
            var invoker = channel.CreateCallInvoker();
            var refused = await Assert.ThrowsAsync<RpcException>(() => type is MethodType.Unary
                ? invoker.AsyncUnaryCall(method, null, default, garbage).ResponseAsync
                : invoker.AsyncServerStreamingCall(method, null, default, garbage).ResponseStream.MoveNext(default));
            Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
            Assert.Contains("not a valid message", refused.Status.Detail, StringComparison.Ordinal);
        }
        CommandLine.Ok(await CommandLine.RunAsync("kill", "-TERM", $"{alone.Pid}"));
        Assert.Equal(0, await alone.ExitAsync());
    }

    [CriuFact]
    public async Task A_container_is_checkpointed_and_restored()
    {
        await using var alone = await AloneShim.StartAsync();
        await using var shim = new NodeShimClient(alone.Socket);
        var pid = (await shim.Call("Create", alone.Create())).GetProperty("pid").GetUInt32();
        await shim.Call("Start");
        await shim.Refuses(StatusCode.InvalidArgument, "Checkpoint", new { image = "relative" });
        var image = Path.Join(alone.Place, "image");
        await shim.Call("Checkpoint", new { image, exit = true });
        Assert.Equal(137u, await shim.Collect(pid));
        await shim.Refuses(StatusCode.InvalidArgument, "Create", alone.Create(checkpoint: image + ".no"));
        var restored = (await shim.Call("Create", alone.Create(checkpoint: image))).GetProperty("pid").GetUInt32();
        Assert.Equal("RUNNING", await shim.Status());
        await shim.Call("Kill", new { signal = 15 });
        Assert.Equal(6u, await shim.Collect(restored));
        await shim.Call("Exit");
        Assert.Equal(0, await alone.ExitAsync());
    }

    private static List<int> FrontsOf(AloneShim alone) =>
        [.. Process.GetProcesses()
            .Where(p => IsFront(p.Id, $"{AloneShim.Namespace}/{alone.Id}")).Select(p => p.Id)];

    private static bool IsFront(int pid, string container)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline")
                .StartsWith($"supervisor-shim-service\0--container\0{container}\0", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
