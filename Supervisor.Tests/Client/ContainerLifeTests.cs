using System.Text;
using System.Text.Json.Nodes;
using Containerd.Services.Snapshots.V1;
using Supervisor.Client;
using Supervisor.Client.Errors;
using Supervisor.Client.Stdio;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Host;

namespace Supervisor.Tests.Client;

/// <summary>Contract D2 to D5: clients, containers, tasks and processes.</summary>
public sealed class ContainerLifeTests(ClientServers servers) : IClassFixture<ClientServers>
{
    private static readonly TimeSpan Patience = CommandLine.Patience;

    public static TheoryData<Server> Servers => ClientServers.All;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_server_has_a_version_and_lists_containers_by_label(Server server)
    {
        using var client = servers.Connect(server);
        Assert.NotEqual("", (await client.VersionAsync()).Version);
        var id = ClientServers.NewId();
        var options = new ContainerOptions { Labels = { ["role"] = id }, Image = "example.org/none:1" };
        var created = await client.NewContainerAsync(id, servers.Spec(id, "true"), options);
        var loaded = await client.LoadContainerAsync(id);
        Assert.Equal((id, id, "example.org/none:1", "io.containerd.runc.v2"),
            (loaded.Id, loaded.Labels["role"], loaded.Image, loaded.Runtime));
        Assert.Equal(created.Spec, loaded.Spec);
        Assert.Equal([id], (await client.ContainersAsync([$"labels.role=={id}"])).Select(c => c.Id));
        await created.DeleteAsync();
        Assert.Empty(await client.ContainersAsync([$"labels.role=={id}"]));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_task_copies_its_input_to_its_output_until_the_input_is_closed(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "cat; echo done >&2; exit 3");
        Task<string>? output = null, errors = null;
        await using var task = await container.StartAsync(withStdin: true, attachStdio: (stdio, _) =>
        {
            (output, errors) = (ReadAsync(stdio.Output!), ReadAsync(stdio.Error!));
            return Task.CompletedTask;
        });
        Assert.True(task.Pid > 0);
        Assert.Equal(container.Id, task.Id);
        var fifos = Directory.GetFiles(servers.StdioDirectory, $"{container.Id}-*", SearchOption.AllDirectories);
        Assert.Equal(["stderr", "stdin", "stdout"], fifos.Select(f => f[(f.LastIndexOf('-') + 1)..]).Order());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(fifos[0])!));
        var text = string.Concat(Enumerable.Repeat("0123456789abcde\n", 20_000)); // more than a pipe holds
        await task.Stdio!.Input!.WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask().WaitAsync(Patience);
        await task.Stdio.Input.DisposeAsync();
        Assert.Equal(text, await output!.WaitAsync(Patience));
        Assert.Equal("done\n", await errors!.WaitAsync(Patience));
        Assert.Equal(3, (await task.WaitAsync().WaitAsync(Patience)).Code);
        var status = await task.StatusAsync();
        Assert.Equal((ProcessState.Stopped, 3), (status.State, status.Exit!.Code));
        Assert.Equal(status.Exit, await task.DeleteAsync());
        Assert.Empty(Directory.GetFiles(servers.StdioDirectory, $"{container.Id}-*", SearchOption.AllDirectories));
        await container.DeleteAsync();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task An_input_that_is_written_and_closed_before_the_start_ends(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "cat");
        Task<string>? output = null;
        await using var task = await container.StartAsync(withStdin: true, attachStdio: async (stdio, cancel) =>
        {
            output = ReadAsync(stdio.Output!);
            await stdio.Input!.WriteAsync("early"u8.ToArray(), cancel);
            await stdio.Input.DisposeAsync();
        });
        Assert.Equal("early", await output!.WaitAsync(Patience));
        await task.ForceDeleteAsync();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task An_exec_has_streams_an_exit_code_and_a_terminal_that_is_resized(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "sleep 1000");
        await using var task = await container.StartAsync();
        Task<string>? output = null;
        await using (var exec = await task.ExecAsync("e1", ClientServers.ProcessSpec("echo out; exit 7"),
            attachStdio: (stdio, _) =>
            {
                Assert.Null(stdio.Input);
                output = ReadAsync(stdio.Output!);
                return Task.CompletedTask;
            }))
        {
            Assert.Equal("out\n", await output!.WaitAsync(Patience));
            Assert.Equal(7, (await exec.WaitAsync().WaitAsync(Patience)).Code);
            Assert.Equal(7, (await exec.DeleteAsync()).Code);
        }
        await using (var exec = await task.ExecAsync("e2", ClientServers.ProcessSpec("read line; stty size", hasTerminal: true),
            withStdin: true, attachStdio: (stdio, _) =>
            {
                Assert.True(stdio.HasTerminal);
                Assert.Null(stdio.Error);
                output = ReadAsync(stdio.Output!);
                return Task.CompletedTask;
            }))
        {
            await exec.ResizeAsync(width: 100, height: 40);
            await exec.Stdio!.Input!.WriteAsync("\n"u8.ToArray());
            Assert.Contains("40 100", await output!.WaitAsync(Patience), StringComparison.Ordinal);
            Assert.Equal(0, (await exec.WaitAsync().WaitAsync(Patience)).Code);
            await exec.DeleteAsync();
        }
        await task.ForceDeleteAsync();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_task_is_paused_resumed_measured_updated_and_killed(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "trap 'exit 5' TERM; while :; do sleep 0.05; done");
        await using var task = await container.StartAsync();
        await using var exec = await task.ExecAsync("e1", ClientServers.ProcessSpec("exec sleep 1000"));
        Assert.Contains(new ProcessSummary(exec.Pid, "e1"), await task.SummaryAsync());
        Assert.Contains(task.Pid, await task.PidsAsync());
        await task.PauseAsync();
        Assert.Equal(ProcessState.Paused, (await task.StatusAsync()).State);
        await task.ResumeAsync();
        Assert.Equal(ProcessState.Running, (await task.StatusAsync()).State);
        var stats = await task.StatsAsync();
        Assert.True(stats is { MemoryBytes: > 0, Pids: >= 2 } && stats.CpuTime > TimeSpan.Zero, $"{stats}");
        await task.UpdateResourcesAsync("""{"memory":{"limit":67108864}}""");
        stats = await task.StatsAsync();
        Assert.Equal(67108864UL, stats.V2?.Memory.UsageLimit ?? stats.V1!.Memory.Usage.Limit);
        await task.KillAsync(15);
        Assert.Equal(5, (await task.WaitAsync().WaitAsync(Patience)).Code);
        await task.ForceDeleteAsync(); // the exec, too
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => container.TaskAsync()));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_paused_task_is_deleted_by_force(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "sleep 1000");
        await using var task = await container.StartAsync();
        await task.PauseAsync();
        Assert.Equal(137, (await task.ForceDeleteAsync().WaitAsync(Patience)).Code);
        await container.DeleteAsync();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Each_error_has_its_code_and_says_of_what(Server server)
    {
        using var client = servers.Connect(server);
        var missing = await Assert.ThrowsAsync<ClientException>(() => client.LoadContainerAsync("missing"));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
        Assert.Contains("load container missing: ", missing.Message, StringComparison.Ordinal);
        var container = await servers.CreateAsync(client, "sleep 1000");
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => container.TaskAsync()));
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => container.AttachTaskAsync((_, _) => Task.CompletedTask)));
        Assert.Equal(ErrorCode.AlreadyExists, await CodeAsync(() => client.NewContainerAsync(container.Id, container.Spec)));
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(() => client.NewContainerAsync("a/b", container.Spec)));
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(() => client.NewContainerAsync("x", "{")));
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(() => container.StartAsync(withStdin: true)));
        await using var task = await container.StartAsync();
        Assert.Equal(ErrorCode.AlreadyExists, await CodeAsync(() => container.StartAsync()));
        Assert.Equal(ErrorCode.FailedPrecondition, await CodeAsync(() => task.DeleteAsync()));
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(() => task.KillAsync(0)));
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(() => task.ExecAsync("../e", ClientServers.ProcessSpec("true"))));
        await task.ForceDeleteAsync();
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => task.StatusAsync()));
        using var nowhere = new SupervisorClient(servers.Options(server) with { Address = "/nonexistent/socket" });
        Assert.Equal(ErrorCode.Unavailable, await CodeAsync(() => nowhere.VersionAsync()));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.VersionAsync(cancelled.Token));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Nothing_is_left_of_a_start_that_failed(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(
            client, "true", spec => spec["process"]!["args"] = new JsonArray("/bin/missing"));
        var failure = await Assert.ThrowsAsync<ClientException>(
            () => container.StartAsync(withStdin: true, attachStdio: (_, _) => Task.CompletedTask));
        Assert.Contains("/bin/missing", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => container.TaskAsync()));
        var refusing = await servers.CreateAsync(client, "true");
        await Assert.ThrowsAsync<InvalidDataException>(
            () => refusing.StartAsync(attachStdio: (_, _) => throw new InvalidDataException()));
        Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => refusing.TaskAsync()));
        foreach (var id in (string[])[container.Id, refusing.Id])
            Assert.Empty(Directory.GetFiles(servers.StdioDirectory, $"{id}-*", SearchOption.AllDirectories));
        var running = await servers.CreateAsync(client, "sleep 1000");
        await using var task = await running.StartAsync();
        Assert.NotEqual(ErrorCode.None, await CodeAsync(() => task.ExecAsync(
            "e1", """{"args":["/bin/missing"],"cwd":"/","user":{"uid":0,"gid":0}}""")));
        await using var again = await task.ExecAsync("e1", ClientServers.ProcessSpec("true")); // the id is free
        await task.ForceDeleteAsync();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_task_has_one_reader_which_another_process_may_replace(Server server)
    {
        using var client = servers.Connect(server);
        using var other = servers.Connect(server);
        var container = await servers.CreateAsync(client, "while read line; do echo got $line; done");
        ContainerTask second;
        await using (var first = await container.StartAsync(withStdin: true, attachStdio: (_, _) => Task.CompletedTask))
        {
            await SendAsync(first, "one");
            var refused = await Assert.ThrowsAsync<ClientException>(async () =>
                await (await other.LoadContainerAsync(container.Id)).AttachTaskAsync((_, _) => Task.CompletedTask));
            Assert.Equal(ErrorCode.FailedPrecondition, refused.Code);
            Assert.Contains("attached to another client", refused.Message, StringComparison.Ordinal);
            Assert.Equal(1, (await FlockAsync(container.Id)).Status); // nor could another process
        }
        // Another test's process has a copy of the locked descriptor from its fork until its exec.
        await Eventually.IsTrue(async () => (await FlockAsync(container.Id)).Status == 0);
        second = await (await other.LoadContainerAsync(container.Id)).AttachTaskAsync((_, _) => Task.CompletedTask);
        await using (second)
        {
            await SendAsync(second, "two");
            var rest = ReadAsync(second.Stdio!.Output!);
            await second.Stdio.Input!.DisposeAsync();
            Assert.Equal("", await rest.WaitAsync(Patience));
            Assert.Equal(0, (await second.WaitAsync().WaitAsync(Patience)).Code);
            await second.DeleteAsync();
        }
        Assert.Empty(Directory.GetFiles(servers.StdioDirectory, $"{container.Id}-*", SearchOption.AllDirectories));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_start_that_is_cancelled_leaves_nothing(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "sleep 1000");
        foreach (var delay in (int[])[0, 5, 15, 30, 60])
        {
            using var stop = new CancellationTokenSource();
            try
            {
                await using var task = await container.StartAsync(attachStdio: (_, _) =>
                {
                    stop.CancelAfter(TimeSpan.FromMilliseconds(delay));
                    return Task.CompletedTask;
                }, cancel: stop.Token);
                await task.ForceDeleteAsync(); // it was quicker
            }
            catch (OperationCanceledException)
            {
                // What had been created by then is gone.
            }
            Assert.Equal(ErrorCode.NotFound, await CodeAsync(() => container.TaskAsync()));
            Assert.Empty(Directory.GetFiles(servers.StdioDirectory, $"{container.Id}-*", SearchOption.AllDirectories));
        }
        await container.DeleteAsync();
    }

    [Fact]
    public async Task Fifos_are_made_in_a_private_directory_alone()
    {
        using var client = servers.Connect(Server.Supervisor);
        var container = await servers.CreateAsync(client, "true");
        var shared = Directory.CreateTempSubdirectory("supervisor-client-");
        try
        {
            File.SetUnixFileMode(shared.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
            using var other = new SupervisorClient(
                servers.Options(Server.Supervisor) with { StdioDirectory = shared.FullName });
            var loaded = await other.LoadContainerAsync(container.Id);
            var refused = await Assert.ThrowsAsync<ClientException>(
                () => loaded.StartAsync(attachStdio: (_, _) => Task.CompletedTask));
            Assert.Equal(ErrorCode.FailedPrecondition, refused.Code);
            Assert.Contains(shared.FullName, refused.Message, StringComparison.Ordinal);
            Assert.Empty(shared.EnumerateFileSystemInfos());
        }
        finally
        {
            shared.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_container_with_a_snapshot_runs_on_it(Server server)
    {
        using var client = servers.Connect(server);
        using var channel = TestDaemon.Connect(client.Options.Address);
        var (snapshots, id) = (new Snapshots.SnapshotsClient(channel), ClientServers.NewId());
        var call = TestDaemon.In(client.Options.Namespace);
        var prepared = await snapshots.PrepareAsync(new PrepareSnapshotRequest {
            Snapshotter = "overlayfs", Key = id,
            Labels = { ["containerd.io/gc.root"] = "until there is a container" } }, call);
        var root = Assert.Single(prepared.Mounts).Source; // a bind mount: there is no parent
        foreach (var directory in (string[])["bin", "proc", "dev"]) Directory.CreateDirectory(Path.Join(root, directory));
        ProgramCopy.OfBusybox(Path.Join(root, "bin", "sh"));
        var spec = servers.Spec(id, "exit 9", spec => spec["root"]!["path"] = "rootfs");
        Assert.Equal(ErrorCode.InvalidArgument, await CodeAsync(
            () => client.NewContainerAsync(id, spec, new ContainerOptions { SnapshotKey = id })));
        var container = await client.NewContainerAsync(
            id, spec, new ContainerOptions { Snapshotter = "overlayfs", SnapshotKey = id });
        await using var task = await container.StartAsync();
        Assert.Equal(9, (await task.WaitAsync().WaitAsync(Patience)).Code);
        await task.DeleteAsync();
        await container.DeleteAsync();
        await snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = "overlayfs", Key = id }, call);
    }

    private Task<CommandLine.Outcome> FlockAsync(string id)
    {
        var fifo = Directory.GetFiles(servers.StdioDirectory, $"{id}-stdout", SearchOption.AllDirectories).Single();
        return CommandLine.RunAsync("flock", "--nonblock", "--exclusive", fifo, "true");
    }

    /// <summary>Writes a line, and reads the answer.</summary>
    private static async Task SendAsync(ContainerTask task, string line)
    {
        await task.Stdio!.Input!.WriteAsync(Encoding.ASCII.GetBytes(line + "\n"));
        var answer = new byte[$"got {line}\n".Length];
        await task.Stdio.Output!.ReadExactlyAsync(answer).AsTask().WaitAsync(Patience);
        Assert.Equal($"got {line}\n", Encoding.ASCII.GetString(answer));
    }

    private static async Task<string> ReadAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    private static async Task<ErrorCode> CodeAsync(Func<Task> call) => (await Assert.ThrowsAsync<ClientException>(call)).Code;
}
