using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>The lifecycle of containers on supervisor-oci's command line, as callers of runc rely on it.</summary>
public sealed class OciLifecycleTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task Run_prints_and_exits_like_its_program_and_leaves_nothing()
    {
        await _oci.Configure(["sh", "-c", "echo out; echo err >&2; exit 42"]);
        Assert.Equal(new(42, "out\n", "err\n"), await _oci.Do("run", _id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
    }

    [Fact]
    public async Task Descriptors_that_the_caller_has_open_do_not_collide_with_those_of_mounts()
    {
        // The init opens its mounts under fixed numbers: each number is open in the caller once.
        await _oci.Configure(["true"], config =>
        {
            foreach (var place in (string[])["/tmp", "/run", "/etc", "/mnt"])
                config["mounts"]!.AsArray()
                    .Add(new JsonObject {
                    ["destination"] = place, ["type"] = "tmpfs", ["source"] = "tmpfs",
                    ["options"] = new JsonArray("tmpcopyup") });
        });
        for (var more = 0; more < 40; more++)
        {
            var open = string.Concat(Enumerable.Range(10, more).Select(number => $"exec {number}</dev/null; "));
            Ok(await CommandLine.RunAsync(
                "bash", "-c", $"{open} exec \"$@\"", "bash", Executable, "--root", _oci.Root, "run", "--bundle", _oci.Bundle,
                $"{_id}-{more}"));
        }
    }

    [Fact]
    public async Task A_created_container_outlives_its_creator_and_runs_on_start()
    {
        await _oci.Configure(["sh", "-c", "echo ran; exec sleep 1000"]);
        var pidFile = Path.Join(_oci.Place, "pid");
        Ok(await _oci.Leave("create", "--pid-file", pidFile, _id));
        var state = JsonNode.Parse(Ok(await _oci.Do("state", _id)))!;
        Assert.Equal("created", (string?)state["status"]);
        Assert.Equal(await File.ReadAllTextAsync(pidFile), $"{state["pid"]}");
        Assert.Equal(_oci.Bundle, (string?)state["bundle"]);
        Assert.Equal(_oci.Rootfs, (string?)state["rootfs"]);
        Assert.Equal("root", (string?)state["owner"]);
        Assert.DoesNotContain("ran", (await _oci.Leave("state", _id)).Output, StringComparison.Ordinal);
        Ok(await _oci.Do("start", _id));
        Assert.Equal("running", await _oci.StatusOf(_id));
        Fails(await _oci.Do("start", _id), 1, "cannot start an already running container");
        Fails(await _oci.Do("delete", _id), 1, "that is not stopped");
        Ok(await _oci.Do("kill", _id, "KILL"));
        await _oci.Await(_id, "stopped");
        Fails(await _oci.Do("start", _id), 1, "cannot start a container that has stopped");
        Fails(await _oci.Do("kill", _id, "TERM"), 1, "container not running");
        Fails(await _oci.Do("exec", _id, "true"), 255, "cannot exec in a stopped container");
        Ok(await _oci.Do("delete", _id));
        Fails(await _oci.Do("state", _id), 1, "does not exist");
        Fails(await _oci.Do("delete", _id), 1, "does not exist");
        Ok(await _oci.Do("delete", "--force", _id));
    }

    [Fact]
    public async Task A_created_container_can_be_killed_and_deleted_without_a_start()
    {
        await _oci.Configure(["true"]);
        Ok(await _oci.Leave("create", _id));
        Fails(await _oci.Leave("create", _id), 1, "already exists");
        Ok(await _oci.Do("delete", _id));
        Ok(await _oci.Leave("create", _id));
        Ok(await _oci.Do("kill", _id, "9"));
        await _oci.Await(_id, "stopped");
        Ok(await _oci.Do("delete", _id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
        Assert.Empty(Cgroups(_id));
    }

    [Fact]
    public async Task A_program_that_cannot_be_executed_is_named_and_leaves_nothing()
    {
        await _oci.Configure(["nonexistent"]);
        Fails(await _oci.Do("run", _id), 1, "executable file not found in $PATH");
        await _oci.Configure(["/nonexistent"]);
        Fails(await _oci.Do("create", _id), 1, "no such file or directory");
        await _oci.Configure(["/etc"]);
        Ok(await _oci.Leave("create", _id));
        Fails(await _oci.Do("start", _id), 1, "permission denied");
        Ok(await _oci.Do("delete", "--force", _id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
        Assert.Empty(Cgroups(_id));
    }

    [Fact]
    public async Task Kill_accepts_signal_names_and_numbers_and_all_signals_every_process()
    {
        await _oci.Configure(["sh", "-c", "trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done"]);
        Ok(await _oci.Leave("run", "-d", _id));
        await _oci.Await(_id, "running");
        Fails(await _oci.Do("kill", _id, "NOSIGNAL"), 1, "unknown signal");
        Ok(await _oci.Do("kill", _id, "0"));
        Ok(await _oci.Do("kill", "--all", _id, "SIGCONT"));
        Ok(await _oci.Do("kill", "-a", _id, "sigkill"));
        await _oci.Await(_id, "stopped");
        Ok(await _oci.Do("kill", "--all", _id, "TERM")); // no process is left, as requested
    }

    [Fact]
    public async Task Pause_and_resume_show_in_state_and_exec()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Fails(await _oci.Do("resume", _id), 1, "not paused");
        Ok(await _oci.Do("pause", _id));
        Assert.Equal("paused", await _oci.StatusOf(_id));
        Fails(await _oci.Do("exec", _id, "true"), 255, "paused container");
        Ok(await _oci.Do("resume", _id));
        Assert.Equal("running", await _oci.StatusOf(_id));
        Ok(await _oci.Do("pause", _id));
        Ok(await _oci.Do("delete", "--force", _id));
    }

    [Fact]
    public async Task A_container_left_by_a_killed_creator_can_be_deleted()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("create", _id));
        // As if create had been killed before it recorded the init: the state has the cgroup and no init.
        var file = Path.Join(_oci.Root, _id, "state.json");
        var state = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        var pid = (int)state["initProcessPid"]!;
        state["initProcessPid"] = 0;
        await File.WriteAllTextAsync(file, state.ToJsonString());
        Ok(await _oci.Do("delete", "--force", _id));
        Assert.False(RunningProcess.Exists(pid), "the unrecorded init is still running");
        Assert.Empty(Cgroups(_id));
    }

    [Fact]
    public async Task A_reused_pid_is_never_mistaken_for_the_init()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var file = Path.Join(_oci.Root, _id, "state.json");
        var text = await File.ReadAllTextAsync(file);
        var state = JsonNode.Parse(text)!;
        state["initProcessPid"] = Environment.ProcessId;
        await File.WriteAllTextAsync(file, state.ToJsonString());
        Assert.Equal("stopped", await _oci.StatusOf(_id));
        Fails(await _oci.Do("kill", _id, "KILL"), 1, "container not running");
        state = JsonNode.Parse(text)!;
        state["bootId"] = "another";
        await File.WriteAllTextAsync(file, state.ToJsonString());
        Assert.Equal("stopped", await _oci.StatusOf(_id));
        Ok(await _oci.Do("delete", "--force", _id));
    }

    [Fact]
    public async Task Ids_that_could_escape_the_root_are_refused()
    {
        await _oci.Configure(["true"]);
        foreach (var id in (string[])["..", ".", "a/b", "../x", ".hidden", "a b", "ä", new string('x', 300)])
            Fails(await _oci.Do("run", id), 1, "invalid container ID format");
        Fails(await _oci.Do("run"), 1, "requires exactly 1 argument");
        Fails(await _oci.Do("run", "--no-such-flag", _id), 1, "flag provided but not defined: -no-such-flag");
    }

    [Fact]
    public async Task Thirty_containers_leave_no_process_cgroup_mount_descriptor_or_directory()
    {
        await _oci.Configure(["sleep", "1000"]);
        var mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo");
        for (var i = 0; i < 30; i++)
        {
            Ok(await _oci.Leave("create", _id));
            var pid = (int)JsonNode.Parse(Ok(await _oci.Do("state", _id)))!["pid"]!;
            Ok(await _oci.Do("start", _id));
            Ok(await _oci.Do("kill", _id, "KILL"));
            Ok(await _oci.Do("delete", "--force", _id));
            Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
            Assert.Empty(Cgroups(_id));
            Assert.False(RunningProcess.Exists(pid));
        }
        Assert.DoesNotContain(
            await File.ReadAllLinesAsync("/proc/self/mountinfo"), m =>
            m.Contains(_oci.Place, StringComparison.Ordinal) && !mounts.Contains(m));
    }

    private static IEnumerable<string> Cgroups(string id) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(d => Path.Join(d, id))
            .Where(Directory.Exists);
}
