using Containerd.Services.Content.V1;
using Containerd.Services.Images.V1;
using Containerd.Types.Transfer;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Supervisor.Registry.Manifests;
using Supervisor.Tests.Registry;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Images from registries into the store and back, by the Transfer service.</summary>
public sealed class PullTests(TestDaemon daemon) : TransferServices(daemon), IClassFixture<TestDaemon>
{
    private readonly LayeredImage _image = new(["lower", "middle", "upper"]);

    [Fact]
    public async Task A_pulled_image_is_complete_unpacked_and_named()
    {
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs);
        await TransferAsync(At(registry.Host), Named("n"));
        var image = (await Images.GetAsync(new GetImageRequest { Name = "n" }, Here)).Image;
        Assert.Equal((_image.Manifest.Digest, MediaTypes.Manifest), (image.Target.Digest, image.Target.MediaType));
        Assert.Equal(_image.Blobs.Keys.Order(), (await ListContentAsync()).Order());
        Assert.Equal(3, (await ListSnapshotsAsync("overlayfs", "kind==committed")).Count);
        Assert.Equal(3, (await ListSnapshotsAsync("overlayfs")).Count);
        await Eventually.IsTrue(async () =>
            (await Daemon.Leases.ListAsync(new Containerd.Services.Leases.V1.ListRequest(), Here)).Leases.Count == 0);
        var layer = (await Content.InfoAsync(new InfoRequest { Digest = _image.Layers[0].Digest }, Here)).Info;
        Assert.Equal(
            (_image.DiffIds[0], "test/image"),
            (layer.Labels["containerd.io/uncompressed"], layer.Labels[$"containerd.io/distribution.source.{registry.Host}"]));
        // What it consists of is kept by it alone.
        await Images.DeleteAsync(new DeleteImageRequest { Name = "n", Sync = true }, Here);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task What_is_here_is_not_loaded_again()
    {
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs);
        await TransferAsync(At(registry.Host), Named("n"));
        var requests = registry.Requests.Count;
        await TransferAsync(At(registry.Host), Named("m"));
        Assert.Equal([$"HEAD /v2/test/image/manifests/one"], registry.Requests.Skip(requests));
    }

    [Fact]
    public async Task Clients_that_pull_the_same_image_at_once_load_it_once()
    {
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs, async context =>
        {
            await Task.Delay(50);
            return false;
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => TransferAsync(At(registry.Host), Named($"n{i}"))));
        Assert.Equal(4, (await Images.ListAsync(new ListImagesRequest(), Here)).Images.Count);
        var loaded = registry.Requests.Where(r => r.Contains("/blobs/", StringComparison.Ordinal)).ToList();
        Assert.Equal(loaded.Distinct().Order(), loaded.Order());
        Assert.Equal(3, (await ListSnapshotsAsync("overlayfs")).Count);
    }

    [Fact]
    public async Task Of_an_index_only_the_platform_is_loaded()
    {
        var other = new LayeredImage(["foreign"], "arm64");
        var (index, blobs) = LayeredImage.IndexOf((other, "arm64"), (_image, "amd64"));
        await using var registry = await ScriptedRegistry.ServeAsync(index, blobs);
        await TransferAsync(At(registry.Host), Named("n"));
        Assert.Equal(_image.Blobs.Keys.Append(index.Digest).Order(), (await ListContentAsync()).Order());
        Is(StatusCode.FailedPrecondition, await FailAsync(At(registry.Host), new ImageStore {
            Name = "m", Platforms = { new Containerd.Types.Platform { Os = "linux", Architecture = "s390x" } } }));
    }

    [Fact]
    public async Task A_layer_of_another_digest_is_refused_and_nothing_is_left()
    {
        var lie = _image.Layers[1].Digest;
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs, async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(lie, StringComparison.Ordinal)) return false;
            // When all else is here: what the failure interrupts is kept for the next pull.
            await Eventually.IsTrue(async () => (await ListContentAsync()).Count == _image.Blobs.Count - 1);
            await context.Response.Body.WriteAsync(new byte[_image.Layers[1].Size]);
            return true;
        });
        var status = await FailAsync(At(registry.Host), Named("n"));
        Is(StatusCode.DataLoss, status);
        Assert.Contains(lie, status.Detail, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_layer_that_unpacks_to_something_else_is_refused_and_nothing_is_left()
    {
        var image = new LayeredImage(["a", "b"], lie: LayeredImage.DigestOf([1]));
        await using var registry = await ScriptedRegistry.ServeAsync(image.Manifest, image.Blobs);
        var status = await FailAsync(At(registry.Host), Named("n"));
        Is(StatusCode.FailedPrecondition, status);
        Assert.Contains("the configuration says", status.Detail, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_pull_whose_client_went_is_resumed_by_the_next()
    {
        var layer = _image.Layers[2];
        using var cancel = new CancellationTokenSource();
        string? range = null;
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs, async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(layer.Digest, StringComparison.Ordinal)) return false;
            range = context.Request.Headers.Range;
            if (range is not null)
            {
                context.Response.StatusCode = StatusCodes.Status206PartialContent;
                context.Response.Headers.ContentRange = $"bytes 100-{layer.Size - 1}/{layer.Size}";
                await context.Response.Body.WriteAsync(_image[layer].AsMemory(100));
                return true;
            }
            context.Response.ContentLength = layer.Size;
            await context.Response.Body.WriteAsync(_image[layer].AsMemory(0, 100));
            await context.Response.Body.FlushAsync();
            await Eventually.IsTrue(async () => (await Content.ListStatusesAsync(new ListStatusesRequest(), Here))
                .Statuses.Any(s => s.Offset == 100));
            await cancel.CancelAsync();
            await Task.WhenAny(Task.Delay(Timeout.Infinite, context.RequestAborted));
            return true;
        });
        Is(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(
            () => TransferAsync(At(registry.Host), Named("n"), cancel: cancel.Token))).Status);
        await Eventually.IsTrue(async () =>
            (await Daemon.Leases.ListAsync(new Containerd.Services.Leases.V1.ListRequest(), Here)).Leases.Count == 0);
        await TransferAsync(At(registry.Host), Named("n"));
        Assert.Equal("bytes=100-", range);
        Assert.Equal(3, (await ListSnapshotsAsync("overlayfs")).Count);
    }

    [Fact]
    public async Task The_client_is_asked_once_for_credentials()
    {
        await using var registry = await RegistryServer.StartAsync(hasPasswords: true);
        await ImportAsync(Archive());
        var asked = 0;
        for (var i = 0; i < 2; i++) // a push, then a pull
        {
            var name = NewStream();
            using var stream = await OpenAsync(name);
            var answering = AnswerAsync(stream);
            if (i == 0) await TransferAsync(new ImageStore { Name = "import:one" }, At(registry.Host, name));
            else await TransferAsync(At(registry.Host, name), Named("n"));
            stream.Dispose();
            await Task.WhenAny(answering);
            Assert.Equal(i + 1, asked);
        }
        Is(StatusCode.Unauthenticated, await FailAsync(At(registry.Host), Named("m")));

        async Task AnswerAsync(AsyncDuplexStreamingCall<Google.Protobuf.WellKnownTypes.Any,
            Google.Protobuf.WellKnownTypes.Any> stream)
        {
            while (await stream.ResponseStream.MoveNext())
            {
                Assert.Equal(registry.Host, AuthRequest.Parser.ParseFrom(stream.ResponseStream.Current.Value).Host);
                Interlocked.Increment(ref asked);
                await stream.RequestStream.WriteAsync(Pack(new AuthResponse {
                    AuthType = AuthType.Credentials, Username = RegistryServer.User, Secret = RegistryServer.Password }));
            }
        }
    }

    [Fact]
    public async Task An_image_goes_to_a_registry_and_comes_back()
    {
        await using var registry = await RegistryServer.StartAsync();
        await ImportAsync(Archive());
        await TransferAsync(new ImageStore { Name = "import:one" }, At(registry.Host));
        await Images.DeleteAsync(new DeleteImageRequest { Name = "import:one", Sync = true }, Here);
        await NothingIsLeftAsync();
        await TransferAsync(At(registry.Host), Named("n"));
        Assert.Equal(
            _image.Manifest.Digest, (await Images.GetAsync(new GetImageRequest { Name = "n" }, Here)).Image.Target.Digest);
        Is(StatusCode.NotFound, "image \"none\": not found",
            await FailAsync(new ImageStore { Name = "none" }, At(registry.Host)));
    }

    [Fact]
    public async Task A_client_sees_what_happens()
    {
        await using var registry = await ScriptedRegistry.ServeAsync(_image.Manifest, _image.Blobs);
        var name = NewStream();
        using var stream = await OpenAsync(name);
        await TransferAsync(At(registry.Host), Named("n"), name);
        var seen = new List<Progress>();
        while (await stream.ResponseStream.MoveNext()) seen.Add(Progress.Parser.ParseFrom(stream.ResponseStream.Current.Value));
        var layer = $"layer-{_image.Layers[0].Digest}";
        Assert.Equal(
            ["waiting", "downloading", "complete", "extracting", "extracted"], seen.Where(p => p.Name == layer)
                .Select(p => p.Event));
        Assert.Equal([$"manifest-{_image.Manifest.Digest}"], seen.First(p => p.Name == layer).Parents);
        Assert.Equal(("saved", "n"), (seen[^2].Event, seen[^2].Name));
    }

    [Fact]
    public async Task What_is_not_a_transfer_is_refused()
    {
        Is(StatusCode.Unimplemented, await FailAsync(At("a.example"), At("b.example")));
        Is(StatusCode.InvalidArgument, await FailAsync(new OCIRegistry { Reference = "UPPER" }, Named("n")));
        Is(StatusCode.InvalidArgument, await FailAsync(
            new OCIRegistry { Reference = "a.example/x", Resolver = new RegistryResolver { DefaultScheme = "ftp" } },
                Named("n")));
        Is(StatusCode.NotFound, await FailAsync(At("a.example", "no-stream"), Named("n")));
        Is(StatusCode.InvalidArgument, "source: must be set", await StatusAsync(Transfers.TransferAsync(
            new Containerd.Services.Transfer.V1.TransferRequest { Destination = Pack(Named("n")) }, Here)));
        await NothingIsLeftAsync();
    }

    private byte[] Archive() => ArchiveTests.Layout(_image, "one");
}
