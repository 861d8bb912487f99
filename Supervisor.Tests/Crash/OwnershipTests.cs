using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// A daemon never kills a container because its journal does not name it, unless it is the journal that would.
/// </summary>
public sealed class OwnershipTests
{
    [Fact]
    public async Task A_second_daemon_on_the_same_state_directory_leaves_the_firsts_containers_alone()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        daemon.RootName = "another";
        Assert.Contains("another daemon uses the state directory", await Second(daemon), StringComparison.Ordinal);
        await daemon.KillAsync(); // so that its locks are free
        var refusal = await daemon.RefusesAsync();
        Assert.Contains("holds containers of the root directory with the uuid", refusal, StringComparison.Ordinal);
        Assert.Contains("--adopt", refusal, StringComparison.Ordinal);
        Assert.True(Directory.Exists($"/proc/{pid}"), "the container was killed");
        daemon.RootName = "root";
        await daemon.RestartAsync();
        Assert.Contains("running", CommandLine.Ok(await daemon.Do("ps")), StringComparison.OrdinalIgnoreCase);
    }

    [Theory] // each of these once killed all running containers
    [InlineData("deleted", "node")]
    [InlineData("deleted", "per-container")]
    [InlineData("emptied", "node")]
    [InlineData("cut", "node")]
    [InlineData("older", "node")]
    [InlineData("without its log", "node")]
    [InlineData("in a root that is not mounted", "node")]
    public async Task A_replaced_journal_kills_no_running_container(string journal, string shim)
    {
        await using var daemon = await DaemonProcess.StartAsync(shim);
        var file = Path.Join(daemon.Root, "journal.db");
        if (journal is "older")
        {
            await daemon.StopAsync();
            File.Copy(file, file + ".old");
            await daemon.RestartAsync();
        }
        var pid = await Run(daemon);
        if (journal is "without its log") await daemon.KillAsync();
        else await daemon.StopAsync();
        switch (journal)
        {
            case "deleted": File.Delete(file); break;
            case "emptied": File.WriteAllBytes(file, []); break;
            case "cut": File.WriteAllBytes(file, File.ReadAllBytes(file)[..8192]); break;
            case "older": File.Move(file + ".old", file, overwrite: true); break;
            case "without its log": File.Delete(file + "-wal"); break;
            default: daemon.RootName = "unmounted"; break;
        }

        for (var i = 0; i < 2; i++)
        {
            Assert.Contains("--adopt", await daemon.RefusesAsync(), StringComparison.Ordinal);
            Assert.True(Directory.Exists($"/proc/{pid}"), "the container was killed");
        }
        daemon.Arguments = ["--adopt"];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.Equal(pid, await Pid(daemon, "a"));
        Assert.Equal("hi\n", CommandLine.Ok(await daemon.Do("exec", "a", "echo", "hi")));
        await daemon.KillAsync();
        await daemon.RestartAsync(); // and it is in the journal like any other
        CommandLine.Ok(await daemon.Do("kill", "--signal", "KILL", "a"));
        Assert.Equal("137", (await daemon.Do("wait", "a")).Output.Trim());
    }

    [Fact]
    public async Task Containers_lost_by_the_journal_are_killed_only_on_request()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        await daemon.StopAsync();
        File.Delete(Path.Join(daemon.Root, "journal.db"));
        daemon.Arguments = ["--forget"];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.False(Directory.Exists($"/proc/{pid}"), "the container is still running");
        Assert.Equal("", CommandLine.Ok(await daemon.Do("ps", "-a", "-q")));
    }

    [Fact]
    public async Task A_journal_deleted_under_a_running_daemon_stops_the_daemon_and_no_container()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        File.Delete(Path.Join(daemon.Root, "journal.db"));
        var refused = await daemon.Do("run", "-d", "--name", "b", "--rootfs", "/", "--", "sleep", "1000");
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("removed, renamed or replaced", refused.Errors, StringComparison.Ordinal);
        await daemon.ExitedAsync();
        Assert.True(Directory.Exists($"/proc/{pid}"), "the container was killed");
        daemon.Arguments = ["--adopt"];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.Equal(pid, await Pid(daemon, "a"));
    }

    [Fact]
    public async Task A_damaged_row_affects_its_container_only_and_is_reported_by_name()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "b", "--rootfs", "/", "--", "sleep", "1000"));
        await daemon.StopAsync();
        Flip(Path.Join(daemon.Root, "journal.db"), $"task-{daemon.Namespace}/a");

        await daemon.RestartAsync();
        Assert.Equal("b\n", CommandLine.Ok(await daemon.Do("ps", "-q")));
        Assert.Equal("hi\n", CommandLine.Ok(await daemon.Do("exec", "b", "echo", "hi")));
        foreach (var verb in (
            string[][])[["inspect", "a"], ["kill", "a"], ["rm", "-f", "a"],
            ["run", "-d", "--name", "a", "--rootfs", "/", "--", "true"]])
        {
            var refused = await daemon.Do(verb);
            Assert.True(refused.Status != 0
                && refused.Errors.Contains("damaged: row", StringComparison.Ordinal), $"{verb[0]}: {refused}");
        }
        Assert.True(Directory.Exists($"/proc/{pid}"), "the container was killed");

        await daemon.StopAsync();
        daemon.Arguments = ["--adopt"];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.Equal(pid, await Pid(daemon, "a"));
        CommandLine.Ok(await daemon.Do("rm", "-f", "a"));
        Assert.Equal("b\n", CommandLine.Ok(await daemon.Do("ps", "-q")));
    }

    [Theory]
    [InlineData("payload", false)]
    [InlineData("payload", true)]
    [InlineData("manifest", false)]
    [InlineData("id", false)]
    [InlineData("id", true)]
    public async Task A_damaged_row_of_the_registry_costs_no_container(string part, bool adopts)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "b", "--rootfs", "/", "--", "sleep", "1000"));
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "gone", "--rootfs", "/", "--", "true"));
        CommandLine.Ok(await daemon.Do("wait", "gone"));
        CommandLine.Ok(await daemon.Do("rm", "gone"));
        await daemon.StopAsync();
        FlipRegistry(Path.Join(daemon.Root, "journal.db"), part);

        daemon.Arguments = adopts ? ["--adopt"] : [];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.Equal("a\nb\n", CommandLine.Ok(await daemon.Do("ps", "-a", "-q")));
        Assert.Equal(pid, await Pid(daemon, "a"));
        Assert.Equal("hi\n", CommandLine.Ok(await daemon.Do("exec", "a", "echo", "hi")));
        Assert.Single(Directory.GetFiles(daemon.Root, "journal.db.damaged-*"), f =>
            !f.EndsWith("-wal", StringComparison.Ordinal));
        CommandLine.Ok(await daemon.Do("rm", "-f", "b"));
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        await daemon.KillAsync();
        await daemon.RestartAsync(); // nothing is left to repair
        Assert.Equal("a\nc\n", CommandLine.Ok(await daemon.Do("ps", "-q")));
        Assert.Single(Directory.GetFiles(daemon.Root, "journal.db.damaged-*"), f =>
            !f.EndsWith("-wal", StringComparison.Ordinal));
    }

    /// <summary>Flips a bit in the registry's row that registers the first container.</summary>
    private static void FlipRegistry(string file, string part)
    {
        var bytes = File.ReadAllBytes(file);
        var at = bytes.AsSpan().LastIndexOf("containersregistry.v1"u8);
        Assert.True(at > 0, $"no row of the registry in {file}");
        bytes[at + (part switch
        {
            "id" => 2,
            "manifest" => "containers".Length + 2,
            _ => "containersregistry.v1".Length + 8 + 3, // behind the time of eight bytes
        })] ^= 0x10;
        File.WriteAllBytes(file, bytes);
    }

    [Theory]
    [InlineData("leases", "all leases")]
    [InlineData("namespaces", "the namespaces with their labels")]
    public async Task A_damaged_row_of_no_container_fails_the_startup_in_one_line_that_names_what_would_be_lost(
        string actor, string holds)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        CommandLine.Ok(await daemon.Ctr("leases", "create", "--id", "l1"));
        await daemon.StopAsync();
        var file = Path.Join(daemon.Root, "journal.db");
        FlipManifest(file, actor);
        var refusal = await daemon.RefusesAsync();
        Assert.Contains($"the journal of \"{actor}\" is damaged: row", refusal, StringComparison.Ordinal);
        Assert.Contains($"it holds {holds}", refusal, StringComparison.Ordinal);
        Assert.Contains("--adopt", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refusal, StringComparison.Ordinal); // no stack trace
        Assert.True(Directory.Exists($"/proc/{pid}"), "the container was killed");

        daemon.Arguments = ["--adopt"];
        await daemon.RestartAsync();
        daemon.Arguments = [];
        Assert.Equal(pid, await Pid(daemon, "a"));
        // the same container, with its whole record
        Assert.Equal("hi\n", CommandLine.Ok(await daemon.Do("exec", "a", "echo", "hi")));
        Assert.Single(Directory.GetFiles(daemon.Root, "journal.db.damaged-*"), f =>
            !f.EndsWith("-wal", StringComparison.Ordinal));
        if (actor is "leases")
            Assert.DoesNotContain("l1", CommandLine.Ok(await daemon.Ctr("leases", "ls", "-q")), StringComparison.Ordinal);
        await daemon.StopAsync();
        await daemon.RestartAsync();
        Assert.Equal(pid, await Pid(daemon, "a"));
    }

    /// <summary>Flips a bit in the manifest of the last row of this actor.</summary>
    private static void FlipManifest(string file, string persistenceId)
    {
        var bytes = File.ReadAllBytes(file);
        var row = System.Text.Encoding.ASCII.GetBytes(persistenceId);
        for (var at = bytes.Length - row.Length; at > 0; at--)
        {
            if (!bytes.AsSpan(at).StartsWith(row)
                || bytes.AsSpan(at + row.Length, 10).IndexOf("supervisor"u8) is not (>= 0 and var manifest)) continue;
            bytes[at + row.Length + manifest] ^= 0x10;
            File.WriteAllBytes(file, bytes);
            return;
        }
        Assert.Fail($"no row of {persistenceId} in {file}");
    }

    /// <summary>Flips a bit in the payload of the last row of this actor.</summary>
    private static void Flip(string file, string persistenceId)
    {
        var bytes = File.ReadAllBytes(file);
        var id = System.Text.Encoding.ASCII.GetBytes(persistenceId);
        for (var at = bytes.Length - id.Length; at > 0; at--)
        {
            if (!bytes.AsSpan(at).StartsWith(id)
                || bytes.AsSpan(at + id.Length, 10).IndexOf("task.v1"u8) is not (>= 0 and var manifest)) continue;
            bytes[at + id.Length + manifest + "task.v1".Length + 8 + 3] ^= 0x10; // behind the time of eight bytes
            File.WriteAllBytes(file, bytes);
            return;
        }
        Assert.Fail($"no row of {persistenceId} in {file}");
    }

    /// <summary>Starts a second daemon beside the first: another root and address, the same other directories.</summary>
    private static async Task<string> Second(DaemonProcess daemon)
    {
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, "serve", "--address", $"{daemon.Place}/s2", "--root", daemon.Root, "--state", daemon.State);
        Assert.NotEqual(0, outcome.Status);
        return outcome.Errors;
    }

    private static async Task<int> Run(DaemonProcess daemon)
    {
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "a", "--rootfs", "/", "--", "sleep", "1000"));
        return await Pid(daemon, "a");
    }

    private static async Task<int> Pid(DaemonProcess daemon, string id)
    {
        var task = CommandLine.Ok(await daemon.Ctr("tasks", "ls")).Split('\n')
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Single(l => l is [var first, ..] && first == id);
        Assert.Equal("RUNNING", task[2]);
        return int.Parse(task[1]);
    }
}
