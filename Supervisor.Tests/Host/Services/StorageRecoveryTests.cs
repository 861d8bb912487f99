using Containerd.Services.Containers.V1;
using Containerd.Services.Content.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Snapshots.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;
using LeaseRequest = Containerd.Services.Leases.V1.CreateRequest;

namespace Supervisor.Tests.Host.Services;

/// <summary>Content, images and snapshots after a restart and after a collection. Each test has a daemon of its own.</summary>
public sealed class StorageRecoveryTests() : StorageServices(new TestDaemon()), IAsyncLifetime
{
    public Task InitializeAsync() => Daemon.InitializeAsync();

    public Task DisposeAsync() => Daemon.DisposeAsync();

    [Fact]
    public async Task Everything_recorded_survives_a_restart_and_unfinished_work_is_removed()
    {
        var digest = await WriteAsync("durable");
        await Images.CreateAsync(ImageOf("i", i => i.Target.Digest = digest), Here);
        var mounts = await PrepareAsync("overlayfs", "k");
        File.WriteAllText(Path.Join(mounts[0].Source, "f"), "kept");
        var strayBlob = Path.Join(Daemon.Base, "root/content/blobs/sha256", $"{digest[7..]}-999");
        var strayTree = Path.Join(Daemon.Base, "root/snapshots/overlayfs/snapshots/999/fs");
        File.WriteAllText(strayBlob, "of a commit that was cut off");
        Directory.CreateDirectory(strayTree);
        await Daemon.RestartAsync();
        Assert.Equal(digest, (await Images.GetAsync(new GetImageRequest { Name = "i" }, Here)).Image.Target.Digest);
        Assert.Equal(7, (await Content.InfoAsync(new InfoRequest { Digest = digest }, Here)).Info.Size);
        Assert.Equal(mounts,
            (await Snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "k" }, Here)).Mounts);
        Assert.Equal("kept", File.ReadAllText(Path.Join(mounts[0].Source, "f")));
        Assert.False(File.Exists(strayBlob) || Directory.Exists(strayTree));
        var next = await PrepareAsync("overlayfs", "next");
        Assert.NotEqual(mounts[0].Source, next[0].Source);
    }

    [Fact]
    public async Task A_synchronous_delete_collects_content_of_the_image_alone_and_nothing_that_is_pinned()
    {
        await Daemon.Leases.CreateAsync(new LeaseRequest { Id = "hold" }, Here);
        var leased = Here;
        leased.Headers!.Add("containerd-lease", "hold");
        var digest = await WriteAsync("only the image's", leased, label: null);
        var kept = await WriteAsync("the lease's", leased, label: null);
        await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "layer" }, leased);
        await Snapshots.CommitAsync(
            new CommitSnapshotRequest { Snapshotter = "overlayfs", Key = "layer", Name = "base" }, leased);
        var above = new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "c", Parent = "base" };
        var mounts = (await Snapshots.PrepareAsync(above, leased)).Mounts;
        var container = new Container
        {
            Id = "c",
            Runtime = new() { Name = "r" },
            Spec = new Any { TypeUrl = "x" },
            Snapshotter = "overlayfs",
            SnapshotKey = "c",
        };
        await Daemon.Containers.CreateAsync(new CreateContainerRequest { Container = container }, leased);
        await Images.CreateAsync(ImageOf("i", i => i.Target.Digest = digest), leased);
        await Daemon.Leases.DeleteResourceAsync(new() { Id = "hold", Resource = new() { Type = "content", Id = digest } }, Here);
        await Images.DeleteAsync(new DeleteImageRequest { Name = "i", Sync = true }, Here);
        Is(StatusCode.NotFound, await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = digest }, Here)));
        Assert.Empty(Files("content/blobs", digest));
        await Content.InfoAsync(new InfoRequest { Digest = kept }, Here);
        await Daemon.Leases.DeleteAsync(new() { Id = "hold", Sync = true }, Here);
        Is(StatusCode.NotFound, await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = kept }, Here)));
        // the container's, and its parents
        Assert.Equal(mounts,
            (await Snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "c" }, Here)).Mounts);
        await Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, Here);
        await Daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "c" }, Here);
        await Daemon.Leases.CreateAsync(new LeaseRequest { Id = "sync" }, Here);
        await Daemon.Leases.DeleteAsync(new() { Id = "sync", Sync = true }, Here);
        Is(StatusCode.NotFound,
            await StatusAsync(Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, Here)));
        Assert.Empty(Directory.GetDirectories(Path.Join(Daemon.Base, "root/snapshots/overlayfs/snapshots")));
    }
}
