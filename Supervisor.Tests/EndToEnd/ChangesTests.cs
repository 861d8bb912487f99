using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>diff, ps -s and inspect -s, and copies of a container on a snapshot.</summary>
public sealed class ChangesTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_container_on_a_snapshot_shows_its_changes_and_sizes_and_is_copied_to_also_when_it_is_stopped()
    {
        await Sh($"bash {Repository.Root}/Supervisor.Tests/Clients/scripts/mkimage.sh {_daemon.Place}/image");
        Ok(await _daemon.Ctr("images", "import", $"{_daemon.Place}/image/image.tar"));
        Ok(await _daemon.Ctr("run", "-d", "--null-io", "docker.io/library/surface:latest", "c", "sleep", "1000"));
        Assert.Equal("", Ok(await _daemon.Do("diff", "c")));
        Ok(await _daemon.Do("exec", "c", "sh", "-c",
            "echo x > /etc/new; rm /etc/group; chmod 700 /root; mkdir -p /var/d/e; echo y >> /etc/passwd; rm /bin/loop5; "
            + "mkdir /bin/loop5; head -c 3000000 /dev/urandom > /var/big"));
        const string changes = "C /bin\nC /bin/loop5\nC /etc\nD /etc/group\nA /etc/new\nC /etc/passwd\nC /root\nC /var\n"
            + "A /var/big\nA /var/d\nA /var/d/e\n";
        Assert.Equal(changes, Ok(await _daemon.Do("diff", "c")));
        Assert.Matches(
            @"^c 3\.\d+MB \(virtual [4-9]\.\d+MB\)\n$", Ok(await _daemon.Do("ps", "-s", "--format", "{{.ID}} {{.Size}}")));
        Assert.Contains("SIZE\n", Ok(await _daemon.Do("ps", "-s")), StringComparison.Ordinal);
        Assert.DoesNotContain("SIZE", Ok(await _daemon.Do("ps")), StringComparison.Ordinal);
        Assert.InRange(int.Parse(Ok(await _daemon.Do("inspect", "-s", "-f", "{{.SizeRw}}", "c"))), 3_000_000, 3_999_999);

        Ok(await _daemon.Do("stop", "-t", "0", "c"));
        await Sh($"echo late > {_daemon.Place}/late");
        Ok(await _daemon.Do("cp", $"{_daemon.Place}/late", "c:/var/d"));
        Assert.Equal(changes.Replace("A /var/d/e\n", "A /var/d/e\nA /var/d/late\n", StringComparison.Ordinal),
            Ok(await _daemon.Do("diff", "c")));
        Assert.Equal("late", await Sh($"{Cli} export c | tar -xO var/d/late"));
        Assert.Equal("late", await Sh($"{Cli} cp c:/var/d/late - | tar -xO"));
        Assert.Equal("0", await Sh($"{Cli} export c | tar -t | grep -c -x -e etc/group -e '.*[.]wh[.].*' || true"));
    }

    [Fact]
    public async Task A_root_without_a_layer_of_its_own_has_no_changes_or_says_why_they_are_unknown()
    {
        Ok(await _daemon.Do("create", "--name", "ro", "--rootfs", "/", "true"));
        Assert.Equal("", Ok(await _daemon.Do("diff", "ro")));
        Ok(await _daemon.Do("create", "--name", "dir", "--rootfs", _daemon.Place, "true"));
        var refused = await _daemon.Do("diff", "dir");
        Assert.Equal(125, refused.Status);
        Assert.Contains("there is no earlier state of it to compare with; \"export\" writes all of it", refused.Errors,
            StringComparison.Ordinal);
        Assert.Equal("dir -\nro -\n", Ok(await _daemon.Do("ps", "-as", "--format", "{{.ID}} {{.Size}}")));
        Assert.Equal(125, (await _daemon.Do("diff", "none")).Status);
    }

    private string Cli => $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace}";

    private static async Task<string> Sh(string script) => Ok(await RunAsync("sh", "-ec", script)).TrimEnd('\n');
}
