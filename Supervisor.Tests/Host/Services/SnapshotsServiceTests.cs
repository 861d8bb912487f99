using Containerd.Services.Snapshots.V1;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;
using Kind = Containerd.Services.Snapshots.V1.Kind;

namespace Supervisor.Tests.Host.Services;

/// <summary>Snapshots over the socket, by both snapshotters. Codes and words are containerd 1.6.20's.</summary>
public sealed class SnapshotsServiceTests(TestDaemon daemon) : StorageServices(daemon), IClassFixture<TestDaemon>
{
    [Theory]
    [InlineData("overlayfs")]
    [InlineData("native")]
    public async Task A_snapshot_is_prepared_committed_viewed_and_removed(string snapshotter)
    {
        var s = snapshotter;
        var first = await PrepareAsync(s, "p1");
        Assert.Equal(("bind", "rw,rbind"), (first[0].Type, string.Join(',', first[0].Options)));
        File.WriteAllText(Path.Join(first[0].Source, "f"), "below");
        Is(StatusCode.AlreadyExists, "snapshot \"p1\": already exists",
            await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "p1" }, Here)));
        Is(StatusCode.NotFound, "parent snapshot nope does not exist: not found",
            await StatusAsync(Snapshots.PrepareAsync(
                new PrepareSnapshotRequest { Snapshotter = s, Key = "q", Parent = "nope" }, Here)));
        Is(StatusCode.InvalidArgument,
            await StatusAsync(Snapshots.PrepareAsync(
                new PrepareSnapshotRequest { Snapshotter = s, Key = "q", Parent = "p1" }, Here)));
        Assert.Equal(first, (await Snapshots.MountsAsync(new MountsRequest { Snapshotter = s, Key = "p1" }, Here)).Mounts);
        Assert.True((await Snapshots.UsageAsync(new UsageRequest { Snapshotter = s, Key = "p1" }, Here)) is {
            Inodes: 2, Size: > 0 });
        await CommitAsync(s, "p1", "n1");
        Is(StatusCode.NotFound, "snapshot p1 does not exist: not found",
            await StatusAsync(Snapshots.CommitAsync(
                new CommitSnapshotRequest { Snapshotter = s, Key = "p1", Name = "n2" }, Here)));
        var info = (await Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)).Info;
        Assert.Equal(("n1", Kind.Committed, ""), (info.Name, info.Kind, info.Parent));
        var child = await PrepareAsync(s, "p3", "n1");
        if (s == "overlayfs") Assert.Equal(("overlay", "overlay"), (child[0].Type, child[0].Source));
        else Assert.Equal("below", File.ReadAllText(Path.Join(child[0].Source, "f")));
        var view = await ViewAsync(s, "v1", "n1");
        Assert.Equal(("bind", "ro,rbind", first[0].Source), (view[0].Type, string.Join(',', view[0].Options), view[0].Source));
        Is(StatusCode.FailedPrecondition, "cannot remove snapshot with child: failed precondition",
            await StatusAsync(Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)));
        Assert.Equal(["n1", "p3", "v1"], (await ListSnapshotsAsync(s)).Select(i => i.Name));
        Assert.Equal(["p3"], (await ListSnapshotsAsync(s, "kind==active,parent==n1")).Select(i => i.Name));
        foreach (var key in (string[])["v1", "p3", "n1"])
            await Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = key }, Here);
        Is(StatusCode.NotFound, "snapshot n1 does not exist: not found",
            await StatusAsync(Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)));
        Assert.False(Directory.Exists(first[0].Source));
    }

    [Fact]
    public async Task Overlay_mounts_are_those_that_containerds_clients_expect()
    {
        for (var i = 1; i <= 2; i++)
        {
            await PrepareAsync("overlayfs", "k", i == 1 ? "" : "c1");
            await CommitAsync("overlayfs", "k", $"c{i}");
        }
        var options = (await PrepareAsync("overlayfs", "top", "c2"))[0].Options;
        string[] index = File.Exists("/sys/module/overlay/parameters/index") ? ["index"] : [];
        Assert.Equal([.. index, "workdir", "upperdir", "lowerdir"], options.Select(o => o.Split('=')[0]));
        var lower = options.Single(o => o.StartsWith("lowerdir=", StringComparison.Ordinal))[9..].Split(':');
        Assert.Equal(2, lower.Length);
        Assert.True(Number(lower[0]) > Number(lower[1]), "the topmost layer comes first");

        static int Number(string path) =>
            int.Parse(Path.GetFileName(Path.GetDirectoryName(path))!, System.Globalization.CultureInfo.InvariantCulture);
    }
}
