using System.Text;
using Containerd.Services.Containers.V1;
using Containerd.Services.Content.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Introspection.V1;
using Containerd.Services.Snapshots.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Services.Daemon;
using Info = Containerd.Services.Snapshots.V1.Info;

namespace Supervisor.Tests.Services;

/// <summary>What content, images and snapshots have in common: errors, leases, restarts, what goes with a deleted image. Codes and words are containerd 1.6.20's.</summary>
public sealed class StorageServicesTests(Daemon daemon) : StorageServices(daemon), IClassFixture<Daemon>
{
    [Fact]
    public async Task What_is_missing_is_told_in_containerds_words()
    {
        Is(StatusCode.NotFound, "image \"nope\": not found",
            await StatusAsync(Images.GetAsync(new GetImageRequest { Name = "nope" }, Here)));
        Is(StatusCode.NotFound, "image \"nope\": not found",
            await StatusAsync(Images.DeleteAsync(new DeleteImageRequest { Name = "nope" }, Here)));
        Is(StatusCode.NotFound, $"content digest {Missing}: not found",
            await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = Missing }, Here)));
        Is(StatusCode.NotFound, $"content digest {Missing}: not found",
            await StatusAsync(Content.DeleteAsync(new DeleteContentRequest { Digest = Missing }, Here)));
        Is(StatusCode.InvalidArgument, await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = "bogus" }, Here)));
        Is(StatusCode.NotFound, "reference nope: not found",
            await StatusAsync(Content.AbortAsync(new AbortRequest { Ref = "nope" }, Here)));
        Is(StatusCode.NotFound, "could not get status for ref \"nope\": reference nope: not found",
            await StatusAsync(Content.StatusAsync(new StatusRequest { Ref = "nope" }, Here)));
        Is(StatusCode.NotFound, "snapshot nope does not exist: not found",
            await StatusAsync(Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "nope" }, Here)));
        Is(StatusCode.InvalidArgument, "snapshotter argument missing: invalid argument",
            await StatusAsync(Snapshots.StatAsync(new StatSnapshotRequest { Key = "x" }, Here)));
        Is(StatusCode.InvalidArgument, "snapshotter not loaded: bogus: invalid argument",
            await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "bogus", Key = "x" }, Here)));
        Is(StatusCode.FailedPrecondition, "namespace is required: failed precondition",
            await StatusAsync(Images.ListAsync(new ListImagesRequest(), In(null))));
    }

    [Fact]
    public async Task A_bad_filter_is_refused_by_every_list()
    {
        const string bad = "name=x";
        Is(StatusCode.InvalidArgument, await StatusAsync(Images.ListAsync(new ListImagesRequest { Filters = { bad } }, Here)));
        Is(StatusCode.InvalidArgument, await StatusAsync(Content.ListStatusesAsync(new ListStatusesRequest { Filters = { bad } }, Here)));
        using var blobs = Content.List(new ListContentRequest { Filters = { bad } }, Here);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(() => blobs.ResponseStream.MoveNext())).StatusCode);
        using var snapshots = Snapshots.List(new ListSnapshotsRequest { Snapshotter = "overlayfs", Filters = { bad } }, Here);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(() => snapshots.ResponseStream.MoveNext())).StatusCode);
    }

    [Fact]
    public async Task A_write_under_a_lease_that_is_not_there_is_refused()
    {
        var options = Here;
        options.Headers!.Add("containerd-lease", "nosuch");
        using var write = Content.Write(options);
        Is(StatusCode.NotFound, "lease \"nosuch\": not found", await FailAsync(write, new WriteContentRequest { Ref = "r" }));
        Is(StatusCode.NotFound, "lease \"nosuch\": not found",
            await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k" }, options)));
    }

    [Fact]
    public async Task All_of_it_is_there_after_a_restart_and_what_was_half_made_is_not()
    {
        await using var own = new Owned();
        await own.Daemon.InitializeAsync();
        var (images, content, snapshots) = own.Clients;
        var digest = await WriteAsync(Encoding.UTF8.GetBytes("durable"), own.Daemon.Channel, "n", "containerd.io/gc.root");
        await images.CreateAsync(ImageOf("i", i => i.Target.Digest = digest), In("n"));
        var mounts = (await snapshots.PrepareAsync(
            new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k", Labels = { [Root] = "x" } }, In("n"))).Mounts;
        File.WriteAllText(Path.Join(mounts[0].Source, "f"), "kept");
        var (strayBlob, strayTree) = (Path.Join(own.Daemon.Base, "root/content/blobs/sha256", $"{digest[7..]}-999"),
            Path.Join(own.Daemon.Base, "root/snapshots/overlayfs/snapshots/999/fs"));
        File.WriteAllText(strayBlob, "of a commit that was cut off");
        Directory.CreateDirectory(strayTree);
        await own.Daemon.RestartAsync();
        (images, content, snapshots) = own.Clients;
        Assert.Equal(digest, (await images.GetAsync(new GetImageRequest { Name = "i" }, In("n"))).Image.Target.Digest);
        Assert.Equal(7, (await content.InfoAsync(new InfoRequest { Digest = digest }, In("n"))).Info.Size);
        Assert.Equal(mounts, (await snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "k" }, In("n"))).Mounts);
        Assert.Equal("kept", File.ReadAllText(Path.Join(mounts[0].Source, "f")));
        Assert.False(File.Exists(strayBlob) || Directory.Exists(strayTree));
        var next = (await snapshots.PrepareAsync(
            new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "next", Labels = { [Root] = "x" } }, In("n"))).Mounts;
        Assert.NotEqual(mounts[0].Source, next[0].Source);
    }

    [Fact]
    public async Task A_synchronous_delete_takes_with_it_what_only_the_image_kept_and_nothing_that_is_pinned()
    {
        await using var own = new Owned();
        await own.Daemon.InitializeAsync();
        var (images, content, snapshots) = own.Clients;
        await own.Daemon.Leases.CreateAsync(new Containerd.Services.Leases.V1.CreateRequest { Id = "hold" }, In("n"));
        var leased = In("n");
        leased.Headers!.Add("containerd-lease", "hold");
        var digest = await WriteAsync(Encoding.UTF8.GetBytes("only the image's"), own.Daemon.Channel, "n", null, leased);
        var kept = await WriteAsync(Encoding.UTF8.GetBytes("the lease's"), own.Daemon.Channel, "n", null, leased);
        await snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "layer" }, leased);
        await snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = "overlayfs", Key = "layer", Name = "base" }, leased);
        var mounts = (await snapshots.PrepareAsync(
            new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "c", Parent = "base" }, leased)).Mounts;
        await own.Daemon.Containers.CreateAsync(
            new CreateContainerRequest
            {
                Container = new Container { Id = "c", Runtime = new() { Name = "r" }, Spec = new Any { TypeUrl = "x" },
                    Snapshotter = "overlayfs", SnapshotKey = "c" },
            },
            leased);
        await images.CreateAsync(ImageOf("i", i => i.Target.Digest = digest), leased);
        await own.Daemon.Leases.DeleteResourceAsync(new() { Id = "hold", Resource = new() { Type = "content", Id = digest } }, In("n"));
        await images.DeleteAsync(new DeleteImageRequest { Name = "i", Sync = true }, In("n"));
        Assert.Equal(StatusCode.NotFound, (await StatusAsync(content.InfoAsync(new InfoRequest { Digest = digest }, In("n")))).StatusCode);
        Assert.Empty(Directory.GetFiles(Path.Join(own.Daemon.Base, "root/content/blobs/sha256"), digest[7..] + "*"));
        await content.InfoAsync(new InfoRequest { Digest = kept }, In("n"));
        await own.Daemon.Leases.DeleteAsync(new() { Id = "hold", Sync = true }, In("n"));
        Assert.Equal(StatusCode.NotFound, (await StatusAsync(content.InfoAsync(new InfoRequest { Digest = kept }, In("n")))).StatusCode);
        // the container's, and what is beneath
        Assert.Equal(mounts, (await snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "c" }, In("n"))).Mounts);
        await snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, In("n"));
        await own.Daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "c" }, In("n"));
        await own.Daemon.Leases.CreateAsync(new Containerd.Services.Leases.V1.CreateRequest { Id = "sync" }, In("n"));
        await own.Daemon.Leases.DeleteAsync(new() { Id = "sync", Sync = true }, In("n"));
        Is(StatusCode.NotFound,
            await StatusAsync(snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, In("n"))));
        Assert.Empty(Directory.GetDirectories(Path.Join(own.Daemon.Base, "root/snapshots/overlayfs/snapshots")));
    }

    [Fact]
    public async Task Snapshotters_and_the_content_store_are_listed_with_their_places()
    {
        var plugins = (await Daemon.Introspection.PluginsAsync(
            new PluginsRequest { Filters = { "type==io.containerd.snapshotter.v1, id==overlayfs" } }, In(null))).Plugins;
        var overlay = Assert.Single(plugins);
        Assert.Equal(Path.Join(Daemon.Base, "root/snapshots/overlayfs"), overlay.Exports["root"]);
        Assert.Equal("linux", Assert.Single(overlay.Platforms).Os);
        Assert.Null(overlay.InitErr);
        var content = Assert.Single((await Daemon.Introspection.PluginsAsync(
            new PluginsRequest { Filters = { "type==io.containerd.content.v1" } }, In(null))).Plugins);
        Assert.Equal(Path.Join(Daemon.Base, "root/content"), content.Exports["root"]);
    }

    private sealed class Owned : IAsyncDisposable
    {
        public Daemon Daemon { get; } = new();

        public (Images.ImagesClient, Content.ContentClient, Snapshots.SnapshotsClient) Clients =>
            (new(Daemon.Channel), new(Daemon.Channel), new(Daemon.Channel));

        public async ValueTask DisposeAsync() => await Daemon.DisposeAsync();
    }
}
