using System.Text;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;

namespace Supervisor.Tests.Registry;

/// <summary>Which image of an index runs where.</summary>
public class PlatformTests
{
    private static readonly string Digest = new('a', 64);

    [Theory]
    [InlineData("linux/amd64", "linux/amd64")]
    [InlineData("amd64", "linux/amd64")]
    [InlineData("x86_64", "linux/amd64")]
    [InlineData("aarch64", "linux/arm64")]
    [InlineData("linux/arm64/v8", "linux/arm64")]
    [InlineData("arm", "linux/arm/v7")]
    [InlineData("linux/arm/6", "linux/arm/v6")]
    public void A_platform_has_one_spelling(string text, string normal) => Assert.Equal(normal, Platform.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("linux/")]
    [InlineData("a/b/c/d")]
    [InlineData("linux/a md64")]
    public void What_is_no_platform_is_refused(string text) =>
        Assert.Equal(RegistryFault.InvalidArgument, Assert.Throws<RegistryException>(() => Platform.Parse(text)).Fault);

    [Theory]
    [InlineData("amd64", "amd64 arm64", 0)]
    [InlineData("arm64", "amd64 arm64/v8 arm/v7", 1)]
    [InlineData("arm64", "amd64 arm/v6 arm/v7", 2)] // runs it too
    [InlineData("arm/v7", "arm/v5 arm/v6 arm/v8", 1)]
    [InlineData("amd64", "amd64/v3 386 amd64", 2)] // v3 may be more than this processor is
    [InlineData("amd64", "arm64 386", 1)]
    public void The_best_image_is_chosen(string here, string offered, int expected)
    {
        var index = Index(offered.Split(' ').Select(p => Entry(p.Split('/'))));
        Assert.Equal(index.Manifests[expected], index.Choose(Platform.Parse($"linux/{here}"), "it"));
    }

    [Fact]
    public void Attestations_are_no_images()
    {
        var index = Index([
            $$$"""{"digest":"sha256:{{{Digest}}}","size":1,"platform":{"os":"unknown","architecture":"unknown"}}""",
            $$$"""
              {"digest":"sha256:{{{Digest}}}","size":2,"platform":{"os":"linux","architecture":"amd64"},
               "annotations":{"vnd.docker.reference.type":"attestation-manifest"}}
              """,
            Entry(["amd64"]),
        ]);
        Assert.Equal(3, index.Choose(Platform.Parse("amd64"), "it").Size);
    }

    [Fact]
    public void An_index_without_this_platform_says_which_it_has()
    {
        var failure = Assert.Throws<RegistryException>(
            () => Index([Entry(["s390x"]), Entry(["arm64", "v8"])]).Choose(Platform.Parse("amd64"), "tool"));
        Assert.Equal((RegistryFault.FailedPrecondition, "tool has no image for linux/amd64: it has linux/s390x, linux/arm64"),
            (failure.Fault, failure.Message));
    }

    [Theory]
    [InlineData("[]", "is not an object")]
    [InlineData("{", "is not JSON")]
    [InlineData("{}", "manifests is missing")]
    [InlineData("""{"manifests":[{"size":1,"digest":"md5:1"}]}""", "manifests[0].digest is not a digest")]
    [InlineData(
        """{"manifests":[{"size":-1,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}""",
        "size is not")]
    [InlineData("""{"manifests":[1]}""", "manifests[0] is not an object")]
    public void A_damaged_index_is_refused_by_field(string json, string reason) => Assert.Contains(
        reason, Assert.Throws<RegistryException>(() => ImageIndex.Read(Encoding.UTF8.GetBytes(json), "it")).Message,
        StringComparison.Ordinal);

    private static string Entry(string[] platform) => $$$"""
        {"mediaType":"{{{MediaTypes.Manifest}}}","digest":"sha256:{{{Digest}}}","size":3,
         "platform":{"os":"linux","architecture":"{{{platform[0]}}}","variant":"{{{(platform.Length > 1 ? platform[1] : "")}}}"}}
        """;

    private static ImageIndex Index(IEnumerable<string> entries) =>
        ImageIndex.Read(Encoding.UTF8.GetBytes($$"""{"manifests":[{{string.Join(',', entries)}}]}"""), "it");
}
