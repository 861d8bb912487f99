using Supervisor.Registry;
using Supervisor.Registry.References;

namespace Supervisor.Tests.Registry;

/// <summary>Names of images, as docker reads them.</summary>
public class ImageNameTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.25", "docker.io/library/nginx:1.25")]
    [InlineData("someone/tool", "docker.io/someone/tool:latest")]
    [InlineData("docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("index.docker.io/someone/tool:a", "docker.io/someone/tool:a")]
    [InlineData("localhost/tool", "localhost/tool:latest")]
    [InlineData("localhost:5000/tool:x", "localhost:5000/tool:x")]
    [InlineData("registry.example/a/b/c", "registry.example/a/b/c:latest")]
    [InlineData("10.0.0.1:5000/a_b/c.d-e__f", "10.0.0.1:5000/a_b/c.d-e__f:latest")]
    [InlineData("[::1]:5000/tool", "[::1]:5000/tool:latest")]
    [InlineData("nginx@" + Digest, "docker.io/library/nginx@" + Digest)]
    [InlineData("nginx:1@" + Digest, "docker.io/library/nginx:1@" + Digest)]
    public void A_name_is_completed(string text, string full) => Assert.Equal(full, ImageName.Parse(text).ToString());

    [Theory]
    [InlineData("", "missing")]
    [InlineData("registry.example/", "missing")]
    [InlineData("Nginx", "lower case")]
    [InlineData("registry.example/Tool", "lower case")]
    [InlineData("a//b", "lower-case letters")]
    [InlineData("-a", "lower-case letters")]
    [InlineData("a:", "the tag")]
    [InlineData("a:-b", "the tag")]
    [InlineData("a:b c", "the tag")]
    [InlineData("a@sha256:12", "not a digest")]
    [InlineData("a@", "not a digest")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "an image's id")]
    [InlineData("bad_host.example:x/a", "registry's host")]
    [InlineData("../../etc/passwd", "registry's host")]
    [InlineData("a\n", "lower-case letters")]
    public void What_is_no_name_is_refused_with_the_reason(string text, string reason)
    {
        var failure = Assert.Throws<RegistryException>(() => ImageName.Parse(text));
        Assert.Equal(RegistryFault.InvalidArgument, failure.Fault);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_digest_is_asked_for_before_a_tag() => Assert.Equal(Digest, ImageName.Parse($"a:b@{Digest}").Selector);
}
