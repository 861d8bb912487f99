using System.Text.Json.Nodes;
using Containerd.Events;
using Supervisor.Shim.Ttrpc;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.Shim.Containerd.ContainerdShim;

namespace Supervisor.Tests.Shim.Containerd;

/// <summary>The Task service of containerd's runtime protocol, on real containers.</summary>
public sealed class TaskServiceTests : IDisposable
{
    private const uint Kill = 9, Running = 2, Stopped = 3, Paused = 4;
    private readonly ContainerdShim _shim = new();

    public void Dispose() => _shim.Dispose();

    [Fact]
    public async Task A_container_lives_and_everything_is_reported_in_order()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        Assert.Equal(StatusCode.NotFound, _shim.Do("State").Code);
        var pid = _shim.Create();
        Assert.Equal(pid, (int)Field(_shim.Ok("Connect"), 2));
        Assert.Equal((ulong)pid, First(_shim.Ok("Start")));
        Assert.Equal(StatusCode.FailedPrecondition, _shim.Do("Start").Code);
        Assert.Equal(StatusCode.AlreadyExists, _shim.TryCreate().Code);
        Assert.Equal(Running, Field(_shim.Ok("State"), 4));
        _shim.Ok("Exec", _shim.Exec("e1", "exit 7"));
        Assert.Equal(StatusCode.FailedPrecondition, _shim.Do("Kill", "e1", Kill).Code);
        _shim.Ok("Start", "e1");
        Assert.Equal(7ul, First(_shim.Ok("Wait", "e1")));
        Assert.Equal(7ul, Field(_shim.Ok("Delete", "e1"), 2));
        _shim.Ok("Pause");
        Assert.Equal(Paused, Field(_shim.Ok("State"), 4));
        Assert.Equal(StatusCode.FailedPrecondition, _shim.Call("Exec", _shim.Exec("e2", "true")).Code);
        _shim.Ok("Resume");
        Assert.Equal(StatusCode.FailedPrecondition, _shim.Do("Resume").Code);
        Assert.Contains("cannot delete a running process", _shim.Do("Delete").Message, StringComparison.Ordinal);
        _shim.Ok("Kill", third: Kill);
        Assert.Equal(137ul, First(_shim.Ok("Wait")));
        Assert.Equal(Stopped, Field(_shim.Ok("State"), 4));
        // containerd 2 would otherwise delete it when it starts again, and its exit would be lost.
        Assert.NotEmpty(_shim.Ok("Pids").Payload);
        Assert.Equal("process already finished", _shim.Do("Kill", third: Kill).Message);
        Assert.Equal(137ul, Field(_shim.Ok("Delete"), 2));
        Assert.Equal(StatusCode.NotFound, _shim.Do("State").Code);
        _shim.Ok("Shutdown");
        await Eventually.IsTrue(() => !_shim.Shims().Any());
        Assert.False(File.Exists(_shim.Socket));
        Assert.Equal(
            ["create", "start", "exec-added", "exec-started", "exit", "paused", "resumed", "exit", "delete"], _shim.Topics);
        var exit = _shim.Event<TaskExit>("exit");
        Assert.Equal((_shim.Id, _shim.Id, (uint)pid, 137u), (exit.ContainerId, exit.Id, exit.Pid, exit.ExitStatus));
        Assert.InRange(exit.ExitedAt.ToDateTime(), DateTime.UtcNow.AddMinutes(-5), DateTime.UtcNow);
    }

    [Fact]
    public async Task An_exit_is_sent_until_it_is_acknowledged()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Start");
        await Eventually.IsTrue(() => _shim.Topics.Count() == 2);
        _shim.StopServing(); // containerd is killed
        _shim.Ok("Kill", third: Kill);
        _shim.Ok("Wait");
        _shim.Answers.Enqueue(StatusCode.Unavailable);
        _shim.Serve();
        await Eventually.IsTrue(() => _shim.Topics.Count() == 3);
        Assert.Equal(137u, _shim.Event<TaskExit>("exit").ExitStatus);
        _shim.Answers.Enqueue(StatusCode.InvalidArgument); // one that containerd will never take does not block the next ones
        _shim.Ok("Delete");
        Assert.Equal(["create", "start", "exit"], _shim.Topics);
        _shim.Ok("Shutdown");
        await Eventually.IsTrue(() => !_shim.Shims().Any());
    }

    [Fact]
    public async Task The_containers_of_a_pod_share_a_shim_which_the_last_one_ends()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"],
            c => c["annotations"] = new JsonObject { ["io.kubernetes.cri.sandbox-id"] = _shim.Id });
        var second = await _shim.MakeBundleAsync("second", _ => { });
        await _shim.StartAsync();
        var (socket, pid) = (_shim.Socket, _shim.Pid);
        _shim.Create();
        var other = _shim.Id + "-2";
        await _shim.StartAsync(other, second);
        Assert.Equal((socket, pid), (_shim.Socket, _shim.Pid));
        _shim.Create(other, second);
        _shim.Ok("Start");
        _shim.Ok("Start", id: other);
        _shim.Ok("Kill", third: Kill);
        _shim.Ok("Wait");
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
        Assert.Equal(Running, Field(_shim.Ok("State", id: other), 4));
        Assert.Equal(StatusCode.FailedPrecondition, _shim.Call("Shutdown", new WireWriter().Text(1, other).Flag(2, true)).Code);
        _shim.Ok("Kill", third: Kill, id: other);
        _shim.Ok("Wait", id: other);
        _shim.Ok("Delete", id: other);
        _shim.Ok("Shutdown", id: other);
        await Eventually.IsTrue(() => !_shim.Shims().Any());
    }

    [Fact]
    public async Task A_created_container_is_deleted_and_its_exit_reported_before_that()
    {
        await _shim.Oci.Configure(["/bin/true"]);
        await _shim.StartAsync();
        _shim.Create();
        Assert.Equal(137ul, Field(_shim.Ok("Delete"), 2));
        _shim.Ok("Shutdown");
        await Eventually.IsTrue(() => !_shim.Shims().Any());
        Assert.Equal(["create", "exit", "delete"], _shim.Topics);
    }

    [Fact]
    public async Task What_cannot_be_started_is_refused_and_can_be_deleted_at_once()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Start");
        var missing = new WireWriter().Text(1, _shim.Id).Text(2, "e1").Message(7, new WireWriter()
            .Text(1, "types.containerd.io/opencontainers/runtime-spec/1/Process")
            .Text(2, "{\"args\":[\"/no/such\"],\"cwd\":\"/\"}"));
        _shim.Ok("Exec", missing);
        Assert.Contains("no such file or directory", _shim.Do("Start", "e1").Message, StringComparison.Ordinal);
        Assert.Equal(Stopped, Field(_shim.Ok("State", "e1"), 4));
        _shim.Ok("Delete", "e1");
        Assert.Equal(["create", "start", "exec-added"], _shim.Topics);
    }

    [Fact]
    public async Task Out_of_memory_is_reported_before_the_exit()
    {
        await _shim.Oci.Configure(["/bin/tail", "/dev/zero"], c => c["linux"]!["resources"] =
            new JsonObject { ["memory"] = new JsonObject { ["limit"] = 32 << 20 } });
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Start");
        Assert.Equal(137ul, First(_shim.Ok("Wait")));
        await Eventually.IsTrue(() => _shim.Topics.Contains("exit"));
        Assert.Equal(["oom", "exit"], _shim.Topics.SkipWhile(t => t != "oom").Distinct());
    }

    [Fact]
    public async Task Input_is_closed_and_a_terminal_has_the_requested_size()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Start");
        var (input, output, screen) = (_shim.MakeFifo("in"), _shim.MakeFifo("out"), _shim.MakeFifo("screen"));
        _shim.Ok("Exec", _shim.Exec("cat", "cat; echo end", input, output));
        _shim.Ok("Start", "cat");
        await using (var writer = new FileStream(input, FileMode.Open, FileAccess.Write))
            await writer.WriteAsync("hello\n"u8.ToArray());
        var read = File.ReadAllTextAsync(output);
        _shim.Ok("CloseIO", "cat", third: 1);
        Assert.Equal(0ul, First(_shim.Ok("Wait", "cat")));
        Assert.Equal("hello\nend\n", await read.WaitAsync(CommandLine.Patience));
        _shim.Ok("Exec", _shim.Exec("tty", "stty size", stdout: screen, terminal: true));
        _shim.Ok("ResizePty", "tty", third: 77, fourth: 33);
        Assert.Equal(StatusCode.InvalidArgument, _shim.Do("ResizePty", "tty", 1 << 16, 1).Code);
        _shim.Ok("Start", "tty");
        read = File.ReadAllTextAsync(screen);
        _shim.Ok("Wait", "tty");
        _shim.Ok("Delete", "tty");
        Assert.Equal("33 77", (await read.WaitAsync(CommandLine.Patience)).Trim());
    }

    /// <summary>A busy client may open the FIFO only when all is over: with runc's shim the output is then lost.</summary>
    [Fact]
    public async Task Output_is_read_after_the_deletion_while_a_new_container_has_the_id()
    {
        await _shim.Oci.Configure(["/bin/echo", "first"]);
        await _shim.StartAsync();
        var (output, more, pid) = (_shim.MakeFifo("late"), _shim.MakeFifo("exec"), _shim.Pid);
        _shim.Ok("Create", new WireWriter().Text(1, _shim.Id).Text(2, _shim.Oci.Bundle).Text(6, output));
        _shim.Ok("Exec", _shim.Exec("e1", "echo second", stdout: more));
        _shim.Ok("Start", "e1");
        _shim.Ok("Wait", "e1");
        _shim.Ok("Delete", "e1");
        _shim.Ok("Start");
        _shim.Ok("Wait");
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
        await _shim.StartAsync();
        Assert.NotEqual(pid, _shim.Pid);
        _shim.Create();
        Assert.Equal("second\n", await File.ReadAllTextAsync(more).WaitAsync(CommandLine.Patience));
        Assert.Equal("first\n", await File.ReadAllTextAsync(output).WaitAsync(CommandLine.Patience));
        await Eventually.IsTrue(() => !RunningProcess.Exists(pid));
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
    }

    [Fact]
    public async Task Limits_are_changed_and_statistics_and_processes_listed()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        var pid = _shim.Create();
        _shim.Ok("Start");
        _shim.Ok("Update", new WireWriter().Text(1, _shim.Id)
            .Message(2, new WireWriter().Text(1, "types.containerd.io/x/LinuxResources").Text(2, "{\"pids\":{\"limit\":77}}")));
        Assert.Contains(":77", Text(_shim.Ok("Stats")), StringComparison.Ordinal);
        var listed = new WireReader(_shim.Ok("Pids").Payload);
        Assert.True(listed.Next());
        var process = new WireReader(listed.Bytes);
        Assert.True(process.Next() && process.UInt32 == pid);
        Assert.Contains("resources: missing",
            _shim.Call("Update", new WireWriter().Text(1, _shim.Id)).Message, StringComparison.Ordinal);

        static string Text(TtrpcResponse stats)
        {
            var any = new WireReader(stats.Payload);
            Assert.True(any.Next());
            var metrics = Google.Protobuf.WellKnownTypes.Any.Parser.ParseFrom(any.Bytes);
            return metrics.TypeUrl == "io.containerd.cgroups.v1.Metrics"
                ? ":" + Io.Containerd.Cgroups.V1.Metrics.Parser.ParseFrom(metrics.Value).Pids.Limit
                : ":" + Io.Containerd.Cgroups.V2.Metrics.Parser.ParseFrom(metrics.Value).Pids.Limit;
        }
    }

    [CriuFact]
    public async Task A_container_is_checkpointed_and_restored()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Start");
        var images = Path.Join(_shim.Oci.Place, "images");
        var exits = new WireWriter().Text(1, "containerd.runc.v1.CheckpointOptions").Message(2, new WireWriter().Flag(1, true));
        _shim.Ok("Checkpoint", new WireWriter().Text(1, _shim.Id).Text(2, images).Message(3, exits));
        Assert.Equal(137ul, First(_shim.Ok("Wait")));
        _shim.Ok("Delete");
        Assert.Equal(0ul, First(_shim.Ok(
            "Create", new WireWriter().Text(1, _shim.Id).Text(2, _shim.Oci.Bundle).Text(8, images))));
        var pid = First(_shim.Ok("Start"));
        Assert.StartsWith("/bin/sleep\01000", await File.ReadAllTextAsync($"/proc/{pid}/cmdline"), StringComparison.Ordinal);
        Assert.Equal(Running, Field(_shim.Ok("State"), 4));
        _shim.Ok("Kill", third: Kill);
        Assert.Equal(137ul, First(_shim.Ok("Wait")));
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
        await Eventually.IsTrue(() => !_shim.Shims().Any());
        Assert.Contains("checkpointed", _shim.Topics);
        Assert.Equal(
            ["create", "start", "exit", "delete", "create", "start", "exit", "delete"],
            _shim.Topics.Where(t => t != "checkpointed"));
    }

    [Theory]
    [InlineData("containerd.task.v2.Task", "Resume2", "method Resume2")]
    [InlineData("containerd.runtime.sandbox.v1.Sandbox", "Platform", "service containerd.runtime.sandbox.v1.Sandbox")]
    public async Task What_is_not_there_is_unimplemented(string service, string method, string message)
    {
        await _shim.Oci.Configure(["/bin/true"]);
        await _shim.StartAsync();
        var refused = _shim.Call(method, new WireWriter(), service);
        Assert.Equal((StatusCode.Unimplemented, message), (refused.Code, refused.Message));
        _shim.Ok("Shutdown");
        await Eventually.IsTrue(() => !_shim.Shims().Any());
    }
}
