using Containerd.Services.Content.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Introspection.V1;
using Containerd.Services.Snapshots.V1;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>
/// Common behaviour of content, images and snapshots: errors, filters, leases. Codes and words are containerd 1.6.20's.
/// </summary>
public sealed class StorageServicesTests(TestDaemon daemon) : StorageServices(daemon), IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Missing_objects_are_reported_in_containerds_words()
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
        Is(StatusCode.InvalidArgument,
            await StatusAsync(Content.ListStatusesAsync(new ListStatusesRequest { Filters = { bad } }, Here)));
        using var blobs = Content.List(new ListContentRequest { Filters = { bad } }, Here);
        Is(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => blobs.ResponseStream.MoveNext())).Status);
        using var snapshots = Snapshots.List(new ListSnapshotsRequest { Snapshotter = "overlayfs", Filters = { bad } }, Here);
        Is(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(() => snapshots.ResponseStream.MoveNext())).Status);
    }

    [Fact]
    public async Task A_write_under_a_missing_lease_is_refused()
    {
        var options = Here;
        options.Headers!.Add("containerd-lease", "nosuch");
        using var write = Content.Write(options);
        Is(StatusCode.NotFound, "lease \"nosuch\": not found", await FailAsync(write, new WriteContentRequest { Ref = "r" }));
        Is(StatusCode.NotFound, "lease \"nosuch\": not found",
            await StatusAsync(Snapshots.PrepareAsync(
                new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k" }, options)));
    }

    [Fact]
    public async Task Snapshotters_and_the_content_store_are_listed_with_their_directories()
    {
        var snapshotters = new PluginsRequest { Filters = { "type==io.containerd.snapshotter.v1, id==overlayfs" } };
        var overlay = Assert.Single((await Daemon.Introspection.PluginsAsync(snapshotters, In(null))).Plugins);
        Assert.Equal(Path.Join(Daemon.Base, "root/snapshots/overlayfs"), overlay.Exports["root"]);
        Assert.Equal("linux", Assert.Single(overlay.Platforms).Os);
        Assert.Null(overlay.InitErr);
        var stores = new PluginsRequest { Filters = { "type==io.containerd.content.v1" } };
        var content = Assert.Single((await Daemon.Introspection.PluginsAsync(stores, In(null))).Plugins);
        Assert.Equal(Path.Join(Daemon.Base, "root/content"), content.Exports["root"]);
    }
}
