using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A container of <c>run --rm</c> is removed also when its client is gone.</summary>
public sealed class AutoRemovalTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_detached_one_is_removed_with_its_log_when_it_exits()
    {
        Assert.Equal("r\n", Ok(await _daemon.Do("run", "-d", "--rm", "--name", "r", "--rootfs", "/", "--", "sh", "-c",
            "echo out; while [ ! -e /dev/shm/go ]; do sleep 0.05; done; exit 4")));
        await Eventually.IsTrue(async () => Ok(await _daemon.Do("logs", "r")) == "out\n");
        var wait = _daemon.Do("wait", "r");
        Ok(await _daemon.Do("exec", "r", "touch", "/dev/shm/go"));
        Assert.Equal("4\n", Ok(await wait));
        await Eventually.IsTrue(async () => Ok(await _daemon.Do("ps", "-a", "-q")).Length == 0);
        await Eventually.IsTrue(() => Directory.GetFiles(Path.Join(_daemon.Root, "logs", _daemon.Namespace)).Length == 0);
    }

    [Fact]
    public async Task One_that_exits_while_no_daemon_runs_is_removed_by_the_next()
    {
        Ok(await _daemon.Do("run", "-d", "--rm", "--name", "r", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await _daemon.Do("run", "-d", "--name", "kept", "--rootfs", "/", "--", "sleep", "1000"));
        var pids = Ok(await _daemon.Do("ps")).Split('\n').Skip(1).Where(l => l.Length > 0)
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]).ToArray();
        await _daemon.KillAsync();
        foreach (var pid in pids) Process.Start("kill", ["-9", pid]).WaitForExit();
        await _daemon.RestartAsync();
        await Eventually.IsTrue(async () => Ok(await _daemon.Do("ps", "-a", "-q")) == "kept\n");
        Ok(await _daemon.Do("start", "kept")); // and only what asked for it
        Ok(await _daemon.Do("kill", "-9", "kept"));
        Ok(await _daemon.Do("wait", "kept"));
        Assert.Equal("kept\n", Ok(await _daemon.Do("ps", "-a", "-q")));
    }

    [Fact]
    public async Task A_start_that_fails_leaves_nothing()
    {
        Assert.Equal(127, (await _daemon.Do("run", "-d", "--rm", "--name", "r", "--rootfs", "/", "--", "/no/such")).Status);
        Assert.Empty(Ok(await _daemon.Do("ps", "-a", "-q")));
    }

    [Fact]
    public async Task The_label_has_a_number_of_seconds()
    {
        foreach (var value in (string[])["soon", "-1", "1.5", "86401"])
        {
            var refused = await _daemon.Ctr(
                "containers", "create", "--rootfs", "--label", $"supervisor.io/remove-after={value}", "/", "x", "true");
            Assert.NotEqual(0, refused.Status);
            Assert.Contains("container.labels[supervisor.io/remove-after]", refused.Errors, StringComparison.Ordinal);
        }
        Assert.Empty(Ok(await _daemon.Do("ps", "-a", "-q")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_detached_exec_is_deleted_when_it_exits_also_by_the_next_daemon(bool dies)
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await _daemon.Do("exec", "-d", "c", "sh", "-c", "while [ ! -e /dev/shm/go ]; do sleep 0.05; done"));
        using var client = new Crash.CrashClient(_daemon);
        var exec = Containerd.Runc.V1.ProcessDetails.Parser.ParseFrom(
            (await client.Tasks.ListPidsAsync(new() { ContainerId = "c" }, client.In())).Processes.Single(p => p.Info is not null)
            .Info.Value).ExecId;
        if (dies)
        {
            await _daemon.KillAsync();
            await _daemon.RestartAsync();
        }
        Assert.NotNull(await client.Tasks.GetAsync(new() { ContainerId = "c", ExecId = exec }, client.In()));
        Ok(await _daemon.Do("exec", "c", "touch", "/dev/shm/go"));
        await Eventually.IsTrue(async () =>
        {
            try
            {
                await client.Tasks.GetAsync(new() { ContainerId = "c", ExecId = exec }, client.In());
                return false;
            }
            catch (Grpc.Core.RpcException e) when (e.StatusCode is Grpc.Core.StatusCode.NotFound)
            {
                return true;
            }
        });
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("-1")]
    [InlineData("86401")]
    public async Task The_header_of_an_exec_has_a_number_of_seconds(string value)
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        using var client = new Crash.CrashClient(_daemon);
        var options = client.In();
        options.Headers!.Add("supervisor-remove-after", value);
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await client.Tasks.ExecAsync(new()
        {
            ContainerId = "c", ExecId = "e",
            Spec = new()
            {
                TypeUrl = "x", Value = Google.Protobuf.ByteString.CopyFromUtf8("{\"args\":[\"true\"],\"cwd\":\"/\"}"),
            },
        }, options));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("header supervisor-remove-after", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_daemon_there_is_none_to_remove_it()
    {
        var refused = await CommandLine.RunAsync(CommandLine.Supervisor, "--address", Path.Join(_daemon.Place, "none"),
            "run", "-d", "--rm", "--rootfs", "/", "--", "true");
        Assert.Equal(125, refused.Status);
        Assert.Contains("start one with \"supervisor serve", refused.Errors, StringComparison.Ordinal);
    }
}
