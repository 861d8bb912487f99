using System.Security.Cryptography;
using System.Text;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;

namespace Supervisor.Tests.Registry;

/// <summary>An image of one layer of random bytes: registries do not look into it.</summary>
public sealed class TestImage
{
    public TestImage(int layerSize = 300_000)
    {
        Layer = RandomNumberGenerator.GetBytes(layerSize);
        Manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.Manifest}}",
             "config":{"mediaType":"{{MediaTypes.Config}}","digest":"{{Of(Config).Digest}}","size":{{Config.Length}}},
             "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{Of(Layer).Digest}}",
                        "size":{{Layer.Length}}}]}
            """);
    }

    public byte[] Config { get; } = Encoding.UTF8.GetBytes(
        """{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}""");

    public byte[] Layer { get; }

    public byte[] Manifest { get; }

    public Descriptor ManifestDescriptor => Of(Manifest) with { MediaType = MediaTypes.Manifest };

    public Descriptor LayerDescriptor => Of(Layer);

    /// <summary>Short waits, so that what fails fails soon.</summary>
    public static RegistryLimits Limits { get; } = RegistryLimits.Default with
    {
        FirstDelay = TimeSpan.FromMilliseconds(10), LongestDelay = TimeSpan.FromMilliseconds(200),
        StallTimeout = TimeSpan.FromSeconds(1), AnswerTimeout = TimeSpan.FromSeconds(5),
    };

    public static Descriptor Of(byte[] bytes) =>
        new("application/octet-stream", $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}", bytes.Length);

    /// <summary>A client of HOST/test/image:one over plain HTTP, unless hosts are named.</summary>
    public static RegistryClient Client(string host, Credential? login = null, params RegistryHost[] hosts) => new(
        ImageName.Parse($"{host}/test/image:one"), hosts.Length > 0 ? hosts : [RegistryHost.Of(host, plain: true)],
        (_, _) => Task.FromResult(login), Limits, "test", TimeProvider.System);

    /// <summary>Pushes all of it.</summary>
    public async Task PushAsync(RegistryClient client)
    {
        foreach (var blob in (byte[][])[Config, Layer])
            await client.PushBlobAsync(Of(blob), () => new MemoryStream(blob), null, null, CancellationToken.None);
        await client.PushManifestAsync(ManifestDescriptor, Manifest, isTagged: true, CancellationToken.None);
    }

    /// <summary>What a blob's reader gives.</summary>
    public static async Task<byte[]> ReadAsync(RegistryClient client, Descriptor blob, long from = 0)
    {
        var bytes = new MemoryStream();
        await client.ReadBlobAsync(blob, from, async piece => await bytes.WriteAsync(piece), CancellationToken.None);
        return bytes.ToArray();
    }
}
