using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary><c>checkpoint</c>, <c>start --checkpoint</c> and <c>restore</c>, with the real criu(8).</summary>
public sealed class CheckpointVerbTests : IAsyncLifetime
{
    private const string Counts = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [CriuFact]
    public async Task A_container_that_counts_continues_where_it_was()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sh", "-c", Counts));
        await Eventually.IsTrue(async () => await Count() > 10);
        Assert.Equal("first\n", Ok(await _daemon.Do("checkpoint", "create", "--leave-running", "c", "first")));
        Assert.Equal("running", await _daemon.Status("c"));
        Assert.Equal("second\n", Ok(await _daemon.Do("checkpoint", "create", "c", "second")));
        Assert.Equal("stopped", await _daemon.Status("c"));
        Assert.Equal("CHECKPOINT NAME\nfirst\nsecond\n", Ok(await _daemon.Do("checkpoint", "ls", "c")));
        await Refused("has a checkpoint first already", "checkpoint", "create", "c", "first");
        var at = await Count();

        Assert.Equal("c\n", Ok(await _daemon.Do("start", "--checkpoint", "second", "c")));
        await Refused("c is running: stop it before", "restore", "c", "second");
        await Eventually.IsTrue(async () => await Count() > at + 10);
        Assert.Equal(Enumerable.Range(1, (int)at + 10), (await Lines()).Take((int)at + 10)); // no number twice, none missing
        Ok(await _daemon.Do("stop", "-t", "0", "c"));
        var end = await Count();
        Assert.Equal("c\n", Ok(await _daemon.Do("restore", "c", "second")));
        await Eventually.IsTrue(async () => (await Lines()).Count > end);
        Assert.Equal(at + 1, (await Lines())[(int)end]); // from the checkpoint again

        Ok(await _daemon.Do("checkpoint", "rm", "c", "first"));
        Assert.Equal("CHECKPOINT NAME\nsecond\n", Ok(await _daemon.Do("checkpoint", "ls", "c")));
        await Refused("has no checkpoint first", "checkpoint", "rm", "c", "first");
        var files = Directory.GetDirectories(_daemon.Root, "second", SearchOption.AllDirectories).Single();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(files));
        Ok(await _daemon.Do("rm", "-f", "c"));
        Assert.Empty(Directory.GetDirectories(_daemon.Root, "second", SearchOption.AllDirectories)); // with the container
    }

    [CriuFact]
    public async Task A_directory_of_the_users_holds_checkpoints_that_outlive_the_container()
    {
        var place = Path.Join(_daemon.Place, "kept");
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sh", "-c", Counts));
        Ok(await _daemon.Do("checkpoint", "create", "--checkpoint-dir", place, "c", "one"));
        Assert.Equal("CHECKPOINT NAME\n", Ok(await _daemon.Do("checkpoint", "ls", "c")));
        Assert.Equal("CHECKPOINT NAME\none\n", Ok(await _daemon.Do("checkpoint", "ls", "--checkpoint-dir", place, "c")));
        Ok(await _daemon.Do("start", "--checkpoint", "one", "--checkpoint-dir", place, "c"));
        Assert.Equal("running", await _daemon.Status("c"));
        Ok(await _daemon.Do("rm", "-f", "c"));
        Assert.True(File.Exists(Path.Join(place, "one", "inventory.img")));
    }

    [Fact]
    public async Task Without_criu_it_is_refused_and_nothing_is_left()
    {
        await _daemon.StopAsync();
        _daemon.Environment["SUPERVISOR_CRIU"] = "/no/such/criu";
        await _daemon.RestartAsync();
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        await Refused("criu", "checkpoint", "create", "c", "one");
        Assert.Equal("running", await _daemon.Status("c"));
        Assert.Equal("CHECKPOINT NAME\n", Ok(await _daemon.Do("checkpoint", "ls", "c")));
        Assert.Empty(Directory.GetDirectories(_daemon.Root, "one", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Wrong_names_are_refused()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        await Refused("checkpoint \"../x\": a name", "checkpoint", "create", "c", "../x");
        await Refused("checkpoint \"..\": a name", "checkpoint", "rm", "c", "..");
        await Refused("has no checkpoint x in", "restore", "c", "x");
        await Refused("\"none\" in namespace", "checkpoint", "ls", "none");
        await Refused("--checkpoint-dir: needs --checkpoint", "start", "--checkpoint-dir", "/tmp", "c");
        await Refused("--checkpoint: one container at a time", "start", "--checkpoint", "x", "c", "d");
        await Refused("checkpoint: needs a word after it: create, ls, rm", "checkpoint");
        await Refused("checkpoint create: no checkpoint given", "checkpoint", "create", "c");
    }

    private async Task Refused(string flaw, params string[] verb)
    {
        var refused = await _daemon.Do(verb);
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }

    private async Task<List<int>> Lines() => [.. Ok(await _daemon.Do("logs", "c")).Split('\n')[..^1].Select(int.Parse)];

    private async Task<long> Count() => (await Lines()).Count;
}
