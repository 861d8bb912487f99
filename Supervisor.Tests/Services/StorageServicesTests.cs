using System.Security.Cryptography;
using System.Text;
using Containerd.Services.Containers.V1;
using Containerd.Services.Content.V1;
using Containerd.Services.Diff.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Introspection.V1;
using Containerd.Services.Namespaces.V1;
using Containerd.Services.Snapshots.V1;
using Containerd.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Tests.Storage;
using static Supervisor.Tests.Services.Daemon;
using Info = Containerd.Services.Snapshots.V1.Info;
using Kind = Containerd.Services.Snapshots.V1.Kind;
using Status = Grpc.Core.Status;

namespace Supervisor.Tests.Services;

/// <summary>Content, images, snapshots and layers over the socket, with the codes and words that containerd 1.6.20 answers.</summary>
public sealed class StorageServicesTests(Daemon daemon) : IClassFixture<Daemon>
{
    private const string Missing = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private static int _last;
    private readonly string _namespace = $"storage{Interlocked.Increment(ref _last)}";

    private Content.ContentClient Content => new(daemon.Channel);

    private Images.ImagesClient Images => new(daemon.Channel);

    private Snapshots.SnapshotsClient Snapshots => new(daemon.Channel);

    private Diff.DiffClient Diffs => new(daemon.Channel);

    private CallOptions Here => In(_namespace);

    [Fact]
    public async Task What_is_missing_is_told_in_containerds_words()
    {
        Is(StatusCode.NotFound, "image \"nope\": not found", await StatusAsync(Images.GetAsync(new GetImageRequest { Name = "nope" }, Here)));
        Is(StatusCode.NotFound, "image \"nope\": not found", await StatusAsync(Images.DeleteAsync(new DeleteImageRequest { Name = "nope" }, Here)));
        Is(StatusCode.NotFound, $"content digest {Missing}: not found", await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = Missing }, Here)));
        Is(StatusCode.NotFound, $"content digest {Missing}: not found", await StatusAsync(Content.DeleteAsync(new DeleteContentRequest { Digest = Missing }, Here)));
        Assert.Equal(StatusCode.InvalidArgument, (await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = "bogus" }, Here))).StatusCode);
        Is(StatusCode.NotFound, "reference nope: not found", await StatusAsync(Content.AbortAsync(new AbortRequest { Ref = "nope" }, Here)));
        Is(StatusCode.NotFound, "could not get status for ref \"nope\": reference nope: not found", await StatusAsync(Content.StatusAsync(new StatusRequest { Ref = "nope" }, Here)));
        Is(StatusCode.NotFound, "snapshot nope does not exist: not found", await StatusAsync(Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "nope" }, Here)));
        Is(StatusCode.InvalidArgument, "snapshotter argument missing: invalid argument", await StatusAsync(Snapshots.StatAsync(new StatSnapshotRequest { Key = "x" }, Here)));
        Is(StatusCode.InvalidArgument, "snapshotter not loaded: bogus: invalid argument",
            await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "bogus", Key = "x" }, Here)));
        Is(StatusCode.FailedPrecondition, "namespace is required: failed precondition", await StatusAsync(Images.ListAsync(new ListImagesRequest(), In(null))));
    }

    [Fact]
    public async Task A_bad_filter_is_refused_by_every_list()
    {
        const string bad = "name=x";
        Assert.Equal(StatusCode.InvalidArgument, (await StatusAsync(Images.ListAsync(new ListImagesRequest { Filters = { bad } }, Here))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await StatusAsync(Content.ListStatusesAsync(new ListStatusesRequest { Filters = { bad } }, Here))).StatusCode);
        using var blobs = Content.List(new ListContentRequest { Filters = { bad } }, Here);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => blobs.ResponseStream.MoveNext())).StatusCode);
        using var snapshots = Snapshots.List(new ListSnapshotsRequest { Snapshotter = "overlayfs", Filters = { bad } }, Here);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => snapshots.ResponseStream.MoveNext())).StatusCode);
    }

    [Fact]
    public async Task A_blob_is_written_read_labelled_and_deleted()
    {
        var digest = await WriteAsync("some content");
        Assert.Equal(DigestOf("some content"), digest);
        var info = (await Content.InfoAsync(new InfoRequest { Digest = digest }, Here)).Info;
        Assert.Equal((12, "v"), (info.Size, info.Labels["k"]));
        Assert.Equal("some content", await ReadAsync(digest, 0, 0));
        Assert.Equal("cont", await ReadAsync(digest, 5, 4));
        Assert.Equal("", await ReadAsync(digest, 12, 0));
        var past = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(digest, 99, 0));
        Is(StatusCode.OutOfRange, "read past object length 12 bytes", past.Status);
        var updated = await Content.UpdateAsync(
            new UpdateRequest
            {
                Info = new() { Digest = digest, Labels = { ["a"] = "1", ["k"] = "" } },
                UpdateMask = new FieldMask { Paths = { "labels.a", "labels.k" } },
            },
            Here);
        Assert.Equal($"a=1,{Root}=x", string.Join(',', updated.Info.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")));
        Assert.Equal([digest], await ListContentAsync("labels.a==1"));
        Assert.Empty(await ListContentAsync("labels.k==v"));
        Is(StatusCode.NotFound, $"content digest {digest}: not found", await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = digest }, In("elsewhere"))));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here);
        Is(StatusCode.NotFound, $"content digest {digest}: not found", await StatusAsync(Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here)));
        Assert.Empty(Files("content/blobs", digest));
    }

    [Fact]
    public async Task A_commit_that_is_not_what_was_announced_is_refused()
    {
        using var write = Content.Write(Here);
        await SendAsync(write, new WriteContentRequest { Ref = "bad" });
        var status = await FailAsync(write, new WriteContentRequest { Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("x"), Expected = Missing });
        Is(StatusCode.FailedPrecondition, $"unexpected commit digest {DigestOf("x")}, expected {Missing}: failed precondition", status);
        using var large = Content.Write(Here);
        await SendAsync(large, new WriteContentRequest { Ref = "large", Total = 10L << 30 });
        status = await FailAsync(large, new WriteContentRequest { Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("x"), Total = 10L << 30 });
        Is(StatusCode.FailedPrecondition, "unexpected commit size 1, expected 10737418240: failed precondition", status);
    }

    [Fact]
    public async Task The_first_message_names_the_ref_and_offsets_must_fit()
    {
        using var unnamed = Content.Write(Here);
        Is(StatusCode.InvalidArgument, "first message must have a reference", await FailAsync(unnamed, new WriteContentRequest()));
        using var write = Content.Write(Here);
        var begun = await SendAsync(write, new WriteContentRequest { Ref = "offset" });
        Assert.Equal((0, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), (begun.Offset, begun.Digest));
        var status = await FailAsync(write, new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFromUtf8("x"), Offset = 7 });
        Is(StatusCode.OutOfRange, "write @7 must occur at current offset 0", status);
    }

    [Fact]
    public async Task Content_that_is_there_is_not_written_again()
    {
        var digest = await WriteAsync("twice");
        using var expecting = Content.Write(Here);
        Is(StatusCode.AlreadyExists, $"content {digest}: already exists", await FailAsync(expecting, new WriteContentRequest { Ref = "again", Expected = digest }));
        using var unknowing = Content.Write(Here);
        await SendAsync(unknowing, new WriteContentRequest { Ref = "again" });
        var status = await FailAsync(unknowing, new WriteContentRequest { Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("twice") });
        Is(StatusCode.AlreadyExists, $"content {digest}: already exists", status);
        Assert.Single(Files("content/blobs", digest));
    }

    [Fact]
    public async Task A_client_that_vanishes_in_mid_stream_leaves_an_ingest_that_the_next_one_finishes()
    {
        using (var vanishing = Content.Write(Here))
        {
            await SendAsync(vanishing, new WriteContentRequest { Ref = "resumed", Total = 10 });
            await SendAsync(vanishing, new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFromUtf8("first") });
            using var second = Content.Write(Here);
            var locked = await FailAsync(second, new WriteContentRequest { Ref = "resumed" });
            Assert.Equal(StatusCode.Unavailable, locked.StatusCode);
        }
        WriteContentResponse begun;
        for (var end = DateTime.UtcNow + Deadline; ;) // until the daemon has seen that the first is gone
        {
            using var again = Content.Write(Here);
            try
            {
                begun = await SendAsync(again, new WriteContentRequest { Ref = "resumed" });
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable && DateTime.UtcNow < end)
            {
                continue;
            }
            Assert.Equal((5, 10, DigestOf("first")), (begun.Offset, begun.Total, begun.Digest));
            Assert.Equal("resumed", Assert.Single((await Content.ListStatusesAsync(new ListStatusesRequest(), Here)).Statuses).Ref);
            var done = await SendAsync(again, new WriteContentRequest { Action = WriteAction.Commit, Offset = 5, Data = ByteString.CopyFromUtf8("+last") });
            Assert.Equal(DigestOf("first+last"), done.Digest);
            break;
        }
        Assert.Empty((await Content.ListStatusesAsync(new ListStatusesRequest(), Here)).Statuses);
    }

    [Fact]
    public async Task Two_namespaces_share_the_file_and_each_has_its_own_labels()
    {
        var digest = await WriteAsync("shared");
        var other = _namespace + "b";
        Assert.Equal(digest, await WriteAsync("shared", @in: other));
        Assert.Single(Files("content/blobs", digest));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here);
        Assert.Single(Files("content/blobs", digest));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, In(other));
        Assert.Empty(Files("content/blobs", digest));
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
    public async Task An_image_is_made_changed_listed_and_deleted()
    {
        Is(StatusCode.InvalidArgument, "Image.Name required", await StatusAsync(Images.CreateAsync(new CreateImageRequest { Image = new Image() }, Here)));
        Is(StatusCode.InvalidArgument, "Target.Size must be greater than zero: invalid argument", await StatusAsync(Images.CreateAsync(ImageOf("i", i => i.Target.Size = 0), Here)));
        Is(StatusCode.InvalidArgument, "Target.Digest \"bad\" invalid: invalid checksum digest format: invalid argument",
            await StatusAsync(Images.CreateAsync(ImageOf("i", i => i.Target.Digest = "bad"), Here)));
        var made = (await Images.CreateAsync(ImageOf("i"), Here)).Image;
        Assert.Equal(made, (await Images.GetAsync(new GetImageRequest { Name = "i" }, Here)).Image);
        Is(StatusCode.AlreadyExists, "image \"i\": already exists", await StatusAsync(Images.CreateAsync(ImageOf("i"), Here)));
        Is(StatusCode.NotFound, "image \"zz\": not found", await StatusAsync(Images.UpdateAsync(new UpdateImageRequest { Image = ImageOf("zz").Image }, Here)));
        var other = ImageOf("i", i => { i.Target.MediaType = "other"; i.Labels["x"] = "y"; }).Image;
        var updated = (await Images.UpdateAsync(new UpdateImageRequest { Image = other, UpdateMask = new FieldMask { Paths = { "labels.x" } } }, Here)).Image;
        Assert.Equal(("m", "y", made.CreatedAt), (updated.Target.MediaType, updated.Labels["x"], updated.CreatedAt));
        foreach (var filter in (string[])["name==i", $"target.digest~=^{Missing[..20]}", "labels.x==y", "annotations.note==n", "target.mediatype==m"])
            Assert.Equal([updated], (await Images.ListAsync(new ListImagesRequest { Filters = { filter } }, Here)).Images);
        Assert.Empty((await Images.ListAsync(new ListImagesRequest { Filters = { "name==j" } }, Here)).Images);
        Assert.Equal(StatusCode.FailedPrecondition, (await StatusAsync(daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = _namespace }, In(null)))).StatusCode);
        await Images.DeleteAsync(new DeleteImageRequest { Name = "i" }, Here);
        await daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = _namespace }, In(null));
    }

    [Theory]
    [InlineData("overlayfs")]
    [InlineData("native")]
    public async Task A_snapshot_goes_through_its_life(string snapshotter)
    {
        var s = snapshotter;
        var first = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "p1", Labels = { [Root] = "x" } }, Here)).Mounts;
        Assert.Equal(("bind", "rw,rbind"), (first[0].Type, string.Join(',', first[0].Options)));
        File.WriteAllText(Path.Join(first[0].Source, "f"), "below");
        Is(StatusCode.AlreadyExists, "snapshot \"p1\": already exists", await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "p1" }, Here)));
        Is(StatusCode.NotFound, "parent snapshot nope does not exist: not found",
            await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "q", Parent = "nope" }, Here)));
        Assert.Equal(StatusCode.InvalidArgument, (await StatusAsync(Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "q", Parent = "p1" }, Here))).StatusCode);
        Assert.Equal(first, (await Snapshots.MountsAsync(new MountsRequest { Snapshotter = s, Key = "p1" }, Here)).Mounts);
        Assert.True((await Snapshots.UsageAsync(new UsageRequest { Snapshotter = s, Key = "p1" }, Here)) is { Inodes: 2, Size: > 0 });
        await Snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = s, Key = "p1", Name = "n1", Labels = { [Root] = "x" } }, Here);
        Is(StatusCode.NotFound, "snapshot p1 does not exist: not found", await StatusAsync(Snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = s, Key = "p1", Name = "n2" }, Here)));
        var info = (await Snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)).Info;
        Assert.Equal(("n1", Kind.Committed, ""), (info.Name, info.Kind, info.Parent));
        var child = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = s, Key = "p3", Parent = "n1", Labels = { [Root] = "x" } }, Here)).Mounts;
        if (s == "overlayfs") Assert.Equal(("overlay", "overlay"), (child[0].Type, child[0].Source));
        else Assert.Equal("below", File.ReadAllText(Path.Join(child[0].Source, "f")));
        var view = (await Snapshots.ViewAsync(new ViewSnapshotRequest { Snapshotter = s, Key = "v1", Parent = "n1", Labels = { [Root] = "x" } }, Here)).Mounts;
        Assert.Equal(("bind", "ro,rbind", first[0].Source), (view[0].Type, string.Join(',', view[0].Options), view[0].Source));
        Is(StatusCode.FailedPrecondition, "cannot remove snapshot with child: failed precondition",
            await StatusAsync(Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)));
        Assert.Equal(["n1", "p3", "v1"], (await ListSnapshotsAsync(s)).Select(i => i.Name));
        Assert.Equal(["p3"], (await ListSnapshotsAsync(s, "kind==active,parent==n1")).Select(i => i.Name));
        foreach (var key in (string[])["v1", "p3", "n1"]) await Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = key }, Here);
        Is(StatusCode.NotFound, "snapshot n1 does not exist: not found", await StatusAsync(Snapshots.RemoveAsync(new RemoveSnapshotRequest { Snapshotter = s, Key = "n1" }, Here)));
        Assert.False(Directory.Exists(first[0].Source));
    }

    [Fact]
    public async Task An_overlay_is_mounted_as_containerds_clients_expect()
    {
        for (var i = 1; i <= 2; i++)
        {
            await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k", Parent = i == 1 ? "" : "c1", Labels = { [Root] = "x" } }, Here);
            await Snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = "overlayfs", Key = "k", Name = $"c{i}", Labels = { [Root] = "x" } }, Here);
        }
        var options = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "top", Parent = "c2", Labels = { [Root] = "x" } }, Here)).Mounts[0].Options;
        string[] index = File.Exists("/sys/module/overlay/parameters/index") ? ["index"] : [];
        Assert.Equal([.. index, "workdir", "upperdir", "lowerdir"], options.Select(o => o.Split('=')[0]));
        var lower = options.Single(o => o.StartsWith("lowerdir=", StringComparison.Ordinal))[9..].Split(':');
        Assert.Equal(2, lower.Length);
        Assert.True(Number(lower[0]) > Number(lower[1]), "the topmost layer comes first");

        static int Number(string path) => int.Parse(Path.GetFileName(Path.GetDirectoryName(path))!, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_layer_is_unpacked_and_made_again_from_what_has_changed()
    {
        var tar = new TarImage().Directory("etc").File("etc/hosts", "127.0.0.1").Bytes();
        var digest = await WriteAsync(tar);
        var mounts = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "x", Labels = { [Root] = "x" } }, Here)).Mounts;
        var descriptor = new ContentDescriptor { MediaType = "application/vnd.oci.image.layer.v1.tar", Digest = digest, Size = tar.Length };
        var applied = (await Diffs.ApplyAsync(new ApplyRequest { Diff = descriptor, Mounts = { mounts } }, Here)).Applied;
        Assert.Equal(descriptor, applied);
        await Snapshots.CommitAsync(new CommitSnapshotRequest { Snapshotter = "overlayfs", Key = "x", Name = "base", Labels = { [Root] = "x" } }, Here);
        var top = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "y", Parent = "base", Labels = { [Root] = "x" } }, Here)).Mounts;
        var upper = top[0].Options.Single(o => o.StartsWith("upperdir=", StringComparison.Ordinal))[9..];
        File.WriteAllText(Path.Join(upper, "new"), "1");
        var view = (await Snapshots.ViewAsync(new ViewSnapshotRequest { Snapshotter = "overlayfs", Key = "v", Parent = "base", Labels = { [Root] = "x" } }, Here)).Mounts;
        var diff = (await Diffs.DiffAsync(new DiffRequest { Left = { view }, Right = { top }, Labels = { ["containerd.io/gc.root"] = "x" } }, Here)).Diff;
        Assert.Equal("application/vnd.oci.image.layer.v1.tar+gzip", diff.MediaType);
        var label = (await Content.InfoAsync(new InfoRequest { Digest = diff.Digest }, Here)).Info.Labels["containerd.io/uncompressed"];
        Assert.StartsWith("sha256:", label, StringComparison.Ordinal);
        var target = (await Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "z", Labels = { [Root] = "x" } }, Here)).Mounts;
        Assert.Equal(label, (await Diffs.ApplyAsync(new ApplyRequest { Diff = diff, Mounts = { target } }, Here)).Applied.Digest);
        Assert.Equal(["new"], Directory.GetFileSystemEntries(target[0].Source).Select(p => Path.GetFileName(p)));
        Assert.Equal(StatusCode.Unimplemented, (await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = new ContentDescriptor { MediaType = "x", Digest = digest }, Mounts = { target } }, Here))).StatusCode);
        Assert.Equal(StatusCode.NotFound, (await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = new ContentDescriptor { MediaType = "x", Digest = Missing }, Mounts = { target } }, Here))).StatusCode);
        var climbing = await WriteAsync(new TarImage().File("../../climbed").Bytes());
        var refused = await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = new ContentDescriptor { MediaType = descriptor.MediaType, Digest = climbing }, Mounts = { target } }, Here));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("climbs out", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_of_it_is_there_after_a_restart_and_what_was_half_made_is_not()
    {
        await using var own = new Owned();
        await own.Daemon.InitializeAsync();
        var (images, content, snapshots) = own.Clients;
        var digest = await WriteAsync(Encoding.UTF8.GetBytes("durable"), own.Daemon.Channel, "n", "containerd.io/gc.root");
        await images.CreateAsync(ImageOf("i", i => i.Target.Digest = digest), In("n"));
        var mounts = (await snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k", Labels = { [Root] = "x" } }, In("n"))).Mounts;
        File.WriteAllText(Path.Join(mounts[0].Source, "f"), "kept");
        var (strayBlob, strayTree) = (Path.Join(own.Daemon.Base, "root/content/blobs/sha256", $"{digest[7..]}-999"), Path.Join(own.Daemon.Base, "root/snapshots/overlayfs/snapshots/999/fs"));
        File.WriteAllText(strayBlob, "of a commit that was cut off");
        Directory.CreateDirectory(strayTree);
        await own.Daemon.RestartAsync();
        (images, content, snapshots) = own.Clients;
        Assert.Equal(digest, (await images.GetAsync(new GetImageRequest { Name = "i" }, In("n"))).Image.Target.Digest);
        Assert.Equal(7, (await content.InfoAsync(new InfoRequest { Digest = digest }, In("n"))).Info.Size);
        Assert.Equal(mounts, (await snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "k" }, In("n"))).Mounts);
        Assert.Equal("kept", File.ReadAllText(Path.Join(mounts[0].Source, "f")));
        Assert.False(File.Exists(strayBlob) || Directory.Exists(strayTree));
        var next = (await snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "next", Labels = { [Root] = "x" } }, In("n"))).Mounts;
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
        var mounts = (await snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "c", Parent = "base" }, leased)).Mounts;
        await own.Daemon.Containers.CreateAsync(
            new CreateContainerRequest
            {
                Container = new Container { Id = "c", Runtime = new() { Name = "r" }, Spec = new Any { TypeUrl = "x" }, Snapshotter = "overlayfs", SnapshotKey = "c" },
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
        Assert.Equal(mounts, (await snapshots.MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "c" }, In("n"))).Mounts); // the container's, and what is beneath
        await snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, In("n"));
        await own.Daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "c" }, In("n"));
        await own.Daemon.Leases.CreateAsync(new Containerd.Services.Leases.V1.CreateRequest { Id = "sync" }, In("n"));
        await own.Daemon.Leases.DeleteAsync(new() { Id = "sync", Sync = true }, In("n"));
        Assert.Equal(StatusCode.NotFound, (await StatusAsync(snapshots.StatAsync(new StatSnapshotRequest { Snapshotter = "overlayfs", Key = "base" }, In("n")))).StatusCode);
        Assert.Empty(Directory.GetDirectories(Path.Join(own.Daemon.Base, "root/snapshots/overlayfs/snapshots")));
    }

    [Fact]
    public async Task Snapshotters_and_the_content_store_are_listed_with_their_places()
    {
        var plugins = (await daemon.Introspection.PluginsAsync(new PluginsRequest { Filters = { "type==io.containerd.snapshotter.v1, id==overlayfs" } }, In(null))).Plugins;
        var overlay = Assert.Single(plugins);
        Assert.Equal(Path.Join(daemon.Base, "root/snapshots/overlayfs"), overlay.Exports["root"]);
        Assert.Equal("linux", Assert.Single(overlay.Platforms).Os);
        Assert.Null(overlay.InitErr);
        var content = Assert.Single((await daemon.Introspection.PluginsAsync(new PluginsRequest { Filters = { "type==io.containerd.content.v1" } }, In(null))).Plugins);
        Assert.Equal(Path.Join(daemon.Base, "root/content"), content.Exports["root"]);
    }

    private const string Root = "containerd.io/gc.root";

    private sealed class Owned : IAsyncDisposable
    {
        public Daemon Daemon { get; } = new();

        public (Images.ImagesClient, Content.ContentClient, Snapshots.SnapshotsClient) Clients => (new(Daemon.Channel), new(Daemon.Channel), new(Daemon.Channel));

        public async ValueTask DisposeAsync() => await Daemon.DisposeAsync();
    }

    private static CreateImageRequest ImageOf(string name, Action<Image>? change = null)
    {
        var image = new Image { Name = name, Target = new ContentDescriptor { MediaType = "m", Digest = Missing, Size = 5, Annotations = { ["note"] = "n" } } };
        change?.Invoke(image);
        return new CreateImageRequest { Image = image };
    }

    private Task<string> WriteAsync(string text, string? @in = null) => WriteAsync(Encoding.UTF8.GetBytes(text), daemon.Channel, @in ?? _namespace, Root);

    private Task<string> WriteAsync(byte[] bytes) => WriteAsync(bytes, daemon.Channel, _namespace, Root);

    private static async Task<string> WriteAsync(byte[] bytes, Grpc.Net.Client.GrpcChannel channel, string @namespace, string? label, CallOptions? options = null)
    {
        using var write = new Content.ContentClient(channel).Write(options ?? In(@namespace));
        await SendAsync(write, new WriteContentRequest { Ref = $"write-{Guid.NewGuid()}", Total = bytes.Length });
        await SendAsync(write, new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFrom(bytes) });
        var commit = new WriteContentRequest { Action = WriteAction.Commit, Offset = bytes.Length, Labels = { ["k"] = "v" } };
        if (label is not null) commit.Labels[label] = "x";
        var committed = await SendAsync(write, commit);
        return committed.Digest;
    }

    private static async Task<WriteContentResponse> SendAsync(AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> write, WriteContentRequest message)
    {
        await write.RequestStream.WriteAsync(message);
        Assert.True(await write.ResponseStream.MoveNext());
        return write.ResponseStream.Current;
    }

    private static async Task<Status> FailAsync(AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> write, WriteContentRequest message)
    {
        await write.RequestStream.WriteAsync(message);
        return (await Assert.ThrowsAsync<RpcException>(() => write.ResponseStream.MoveNext())).Status;
    }

    private async Task<string> ReadAsync(string digest, long offset, long size)
    {
        using var read = Content.Read(new ReadContentRequest { Digest = digest, Offset = offset, Size = size }, Here);
        var text = new StringBuilder();
        while (await read.ResponseStream.MoveNext()) text.Append(read.ResponseStream.Current.Data.ToStringUtf8());
        return text.ToString();
    }

    private async Task<List<string>> ListContentAsync(params string[] filters)
    {
        using var list = Content.List(new ListContentRequest { Filters = { filters } }, Here);
        var digests = new List<string>();
        while (await list.ResponseStream.MoveNext()) digests.AddRange(list.ResponseStream.Current.Info.Select(i => i.Digest));
        return digests;
    }

    private async Task<List<Info>> ListSnapshotsAsync(string snapshotter, params string[] filters)
    {
        using var list = Snapshots.List(new ListSnapshotsRequest { Snapshotter = snapshotter, Filters = { filters } }, Here);
        var infos = new List<Info>();
        while (await list.ResponseStream.MoveNext()) infos.AddRange(list.ResponseStream.Current.Info);
        return infos;
    }

    private string[] Files(string directory, string digest) =>
        Directory.GetFiles(Path.Join(daemon.Base, "root", directory), digest[7..] + "*", SearchOption.AllDirectories);

    private static string DigestOf(string text) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static void Is(StatusCode code, string message, Status status) => Assert.Equal((code, message), (status.StatusCode, status.Detail));
}
