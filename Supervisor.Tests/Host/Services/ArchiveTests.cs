using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Containerd.Services.Images.V1;
using Containerd.Services.Streaming.V1;
using Containerd.Types.Transfer;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Registry.Manifests;
using Supervisor.Tests.Registry;

namespace Supervisor.Tests.Host.Services;

/// <summary>Images from archives into the store and back, by the Transfer and Streaming services.</summary>
public sealed class ArchiveTests(TestDaemon daemon) : TransferServices(daemon), IClassFixture<TestDaemon>
{
    private readonly LayeredImage _image = new(["lower", "upper"]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_layout_is_imported_and_unpacked(bool compressed)
    {
        var archive = Layout(_image, "one");
        await ImportAsync(compressed ? LayeredImage.Compress(archive) : archive, new ImageStore
        {
            ExtraReferences = { new ImageReference { Name = "import", IsPrefix = true } },
            Unpacks = { new UnpackConfiguration { Platform = Amd64, Snapshotter = "overlayfs" } },
        });
        Assert.Equal(_image.Manifest.Digest, await DigestOfAsync("import:one"));
        Assert.Equal(2, (await ListSnapshotsAsync("overlayfs", "kind==committed")).Count);
        await Images.DeleteAsync(new DeleteImageRequest { Name = "import:one", Sync = true }, Here);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task What_docker_saves_is_imported()
    {
        // Layers as plain tars, one of them named by a link: docker's format before version 25.
        var archive = LayeredImage.Tar(tar =>
        {
            Add(tar, "config.json", Encoding.UTF8.GetBytes($$$"""
                {"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[
                    "{{{_image.DiffIds[0]}}}","{{{_image.DiffIds[0]}}}"]}}
                """));
            Add(tar, "a/layer.tar", _image.Tars[0]);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "b/layer.tar") { LinkName = "../a/layer.tar" });
            Add(tar, "manifest.json", """
                [{"Config":"config.json","RepoTags":["tool:1","registry.example/tool:2"],"Layers":["a/layer.tar","b/layer.tar"]}]
                """u8.ToArray());
        });
        await ImportAsync(archive, new ImageStore
        {
            ExtraReferences = { new ImageReference { Name = "import", IsPrefix = true, AllowOverwrite = true } },
            Unpacks = { new UnpackConfiguration { Platform = Amd64 } },
        });
        Assert.Equal(await DigestOfAsync("docker.io/library/tool:1"), await DigestOfAsync("registry.example/tool:2"));
        Assert.Equal(2, (await ListSnapshotsAsync("overlayfs", "kind==committed")).Count);
    }

    [Fact]
    public async Task What_is_exported_is_imported_as_it_was()
    {
        var other = new LayeredImage(["foreign"], "arm64");
        var (index, blobs) = LayeredImage.IndexOf((other, "arm64"), (_image, "amd64"));
        await using var registry = await ScriptedRegistry.ServeAsync(index, blobs);
        await TransferAsync(At(registry.Host), Named("registry.example/tool:1"));
        await ImportAsync(Layout(other, "two"));
        var archive = await ExportAsync(new ImageExportStream { Platforms = { Amd64 } }, "registry.example/tool:1");
        var names = NamesIn(archive);
        Assert.Contains("oci-layout", names);
        Assert.Contains($"blobs/{_image.Layers[1].Digest.Replace(':', '/')}", names);
        Assert.DoesNotContain($"blobs/{other.Layers[0].Digest.Replace(':', '/')}", names);
        var docker = JsonNode.Parse(FileIn(archive, "manifest.json"))![0]!;
        Assert.Equal("registry.example/tool:1", (string?)docker["RepoTags"]![0]);
        Assert.Equal(2, docker["Layers"]!.AsArray().Count);

        foreach (var image in (await Images.ListAsync(new ListImagesRequest(), Here)).Images)
            await Images.DeleteAsync(new DeleteImageRequest { Name = image.Name, Sync = true }, Here);
        await ImportAsync(archive);
        Assert.Equal(index.Digest, await DigestOfAsync("registry.example/tool:1"));
        Is(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(
            () => ExportAsync(new ImageExportStream(), "none"))).Status);
    }

    [Theory]
    [InlineData("not-a-tar", "not a tar")]
    [InlineData("empty", "neither index.json nor manifest.json")]
    [InlineData("lacks-a-layer", "lacks sha256:")]
    [InlineData("wrong-blob", "is not what its name says")]
    [InlineData("cut-off", "not a tar")]
    [InlineData("device", "a CharacterDevice")]
    [InlineData("docker-without-file", "names \"x.json\"")]
    public async Task A_damaged_archive_is_refused_and_nothing_is_left(string damage, string reason)
    {
        var whole = Layout(_image, "one");
        var archive = damage switch
        {
            "not-a-tar" => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("no tar ", 1000))),
            "empty" => LayeredImage.Tar(("oci-layout", "{}"u8.ToArray())),
            "lacks-a-layer" => Layout(_image, "one", except: _image.Layers[1].Digest),
            "wrong-blob" => Layout(_image, "one", _image.Layers[1].Digest, [1, 2, 3]),
            "cut-off" => whole[..(whole.Length / 2)],
            "device" => LayeredImage.Tar(tar => tar.WriteEntry(new PaxTarEntry(TarEntryType.CharacterDevice, "blobs/null"))),
            _ => LayeredImage.Tar(("manifest.json", """[{"Config":"x.json","Layers":[]}]"""u8.ToArray())),
        };
        var status = (await Assert.ThrowsAsync<RpcException>(() => ImportAsync(archive))).Status;
        Is(StatusCode.InvalidArgument, status);
        Assert.Contains(reason, status.Detail, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_further_name_is_given_to_an_image_that_is_here()
    {
        await ImportAsync(Layout(_image, "one"));
        await TransferAsync(new ImageStore { Name = "import:one" }, new ImageStore { Name = "second", Labels = { ["k"] = "v" } });
        var image = (await Images.GetAsync(new GetImageRequest { Name = "second" }, Here)).Image;
        Assert.Equal((_image.Manifest.Digest, "v"), (image.Target.Digest, image.Labels["k"]));
        Is(StatusCode.NotFound, await FailAsync(new ImageStore { Name = "none" }, new ImageStore { Name = "third" }));
        Is(StatusCode.InvalidArgument, await FailAsync(new ImageStore { Name = "second" }, new ImageStore()));
    }

    [Fact]
    public async Task A_stream_has_one_name_one_call_and_a_beginning()
    {
        var name = NewStream();
        using var stream = await OpenAsync(name);
        using var twin = Streams.Stream(Here);
        await twin.RequestStream.WriteAsync(Pack(new StreamInit { Id = name }));
        Is(StatusCode.AlreadyExists, (await Assert.ThrowsAsync<RpcException>(() => twin.ResponseStream.MoveNext())).Status);
        using var strange = Streams.Stream(Here);
        await strange.RequestStream.WriteAsync(Pack(new Empty()));
        Is(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => strange.ResponseStream.MoveNext())).Status);

        var using1 = TransferAsync(new ImageImportStream { Stream = name }, new ImageStore { Name = "n" });
        Assert.True(await stream.ResponseStream.MoveNext()); // it is read
        Is(StatusCode.FailedPrecondition, await FailAsync(new ImageImportStream { Stream = name },
            new ImageStore { Name = "m" }));
        await stream.RequestStream.WriteAsync(Pack(new Empty())); // no bytes
        Is(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => using1)).Status);
    }

    /// <summary>An image as OCI's layout, with one blob changed or left out.</summary>
    internal static byte[] Layout(LayeredImage image, string tag, string? except = null, byte[]? instead = null) =>
        LayeredImage.Tar(tar =>
        {
            Add(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
            Add(tar, "index.json", Encoding.UTF8.GetBytes(new JsonObject
            {
                ["schemaVersion"] = 2,
                ["manifests"] = new JsonArray(new JsonObject {
                    ["mediaType"] = MediaTypes.Manifest, ["digest"] = image.Manifest.Digest, ["size"] = image.Manifest.Size,
                    ["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = tag } }),
            }.ToJsonString()));
            foreach (var (digest, bytes) in image.Blobs)
                if (digest != except) Add(tar, $"blobs/{digest.Replace(':', '/')}", bytes);
                else if (instead is not null) Add(tar, $"blobs/{digest.Replace(':', '/')}", instead);
        });

    private static void Add(TarWriter tar, string name, byte[] bytes) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });

    private static List<string> NamesIn(byte[] archive)
    {
        using var tar = new TarReader(new MemoryStream(archive));
        var names = new List<string>();
        while (tar.GetNextEntry() is { } entry) names.Add(entry.Name);
        return names;
    }

    private static byte[] FileIn(byte[] archive, string name)
    {
        using var tar = new TarReader(new MemoryStream(archive));
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.Name != name) continue;
            var bytes = new MemoryStream();
            entry.DataStream!.CopyTo(bytes);
            return bytes.ToArray();
        }
        throw new InvalidOperationException($"the archive has no {name}");
    }

    private async Task<string> DigestOfAsync(string name) =>
        (await Images.GetAsync(new GetImageRequest { Name = name }, Here)).Image.Target.Digest;
}
