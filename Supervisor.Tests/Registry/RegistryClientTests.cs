using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.Manifests;

namespace Supervisor.Tests.Registry;

/// <summary>The client beside Debian's docker-registry.</summary>
public class RegistryClientTests
{
    private static readonly Credential Login = new(RegistryServer.User, RegistryServer.Password, CredentialKind.Password);

    [Fact]
    public async Task An_image_is_pushed_and_pulled()
    {
        await using var registry = await RegistryServer.StartAsync();
        using var client = TestImage.Client(registry.Host);
        var image = new TestImage();
        Assert.False(await client.HasAsync(image.LayerDescriptor, default));
        await image.PushAsync(client);
        Assert.True(await client.HasAsync(image.LayerDescriptor, default));
        Assert.True(await client.HasAsync(image.ManifestDescriptor, default));

        var found = await client.ResolveAsync(default);
        Assert.Equal(image.ManifestDescriptor with { Annotations = found.Annotations }, found);
        var bytes = await client.ReadManifestAsync(found, default);
        Assert.Equal(image.Manifest, bytes);
        var layer = Assert.Single(ImageManifest.Read(bytes, "it").Layers);
        Assert.Equal(image.Layer, await TestImage.ReadAsync(client, layer));
        Assert.Equal(image.Layer[1000..], await TestImage.ReadAsync(client, layer, from: 1000));
    }

    [Fact]
    public async Task A_blob_is_taken_from_another_repository_without_its_bytes()
    {
        await using var registry = await RegistryServer.StartAsync();
        var image = new TestImage();
        using (var first = TestImage.Client(registry.Host)) await image.PushAsync(first);
        using var other = new RegistryClient(
            Supervisor.Registry.References.ImageName.Parse($"{registry.Host}/other"),
                [RegistryHost.Of(registry.Host, plain: true)],
            (_, _) => Task.FromResult<Credential?>(null), TestImage.Limits, "test", TimeProvider.System);
        await other.PushBlobAsync(
            image.LayerDescriptor, () => throw new InvalidOperationException("its bytes are not needed"), "test/image", null,
                default);
        Assert.True(await other.HasAsync(image.LayerDescriptor, default));
    }

    [Fact]
    public async Task What_does_not_exist_is_not_found()
    {
        await using var registry = await RegistryServer.StartAsync();
        using var client = TestImage.Client(registry.Host);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default));
        Assert.Equal(RegistryFault.NotFound, failure.Fault);
        Assert.Contains($"HEAD http://{registry.Host}/v2/test/image/manifests/one: 404", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_listen_is_unavailable()
    {
        using var client = TestImage.Client($"127.0.0.1:{RegistryServer.FreePort()}");
        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default));
        Assert.Equal(RegistryFault.Unavailable, failure.Fault);
        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_is_trusted_only_by_configuration()
    {
        await using var registry = await RegistryServer.StartAsync(hasTls: true);
        var image = new TestImage();
        var plain = RegistryHost.Of(registry.Host, plain: false);
        using (var trusting = TestImage.Client(registry.Host, null,
            plain with { Tls = new TlsSettings([registry.Authority], [], false) }))
        {
            await image.PushAsync(trusting);
            Assert.Equal(image.Layer, await TestImage.ReadAsync(trusting, image.LayerDescriptor));
        }
        using (var skipping = TestImage.Client(registry.Host, null, plain with { Tls = new TlsSettings([], [], true) }))
            Assert.Equal(image.ManifestDescriptor.Digest, (await skipping.ResolveAsync(default)).Digest);
        using var strict = TestImage.Client(registry.Host, null, plain);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => strict.ResolveAsync(default));
        Assert.Equal(RegistryFault.Unavailable, failure.Fault);
        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_shown_when_the_server_asks()
    {
        await using var registry = await RegistryServer.StartAsync(hasPasswords: true);
        var image = new TestImage();
        using (var right = TestImage.Client(registry.Host, Login))
        {
            await image.PushAsync(right);
            Assert.Equal(image.Layer, await TestImage.ReadAsync(right, image.LayerDescriptor));
        }
        foreach (var wrong in (Credential?[])[null, Login with { Secret = "wrong" }])
        {
            using var client = TestImage.Client(registry.Host, wrong);
            var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default));
            Assert.Equal(RegistryFault.Unauthenticated, failure.Fault);
            Assert.Contains("login", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_mirror_that_lacks_an_image_is_followed_by_the_registry()
    {
        await using var registry = await RegistryServer.StartAsync();
        await using var mirror = await RegistryServer.StartAsync();
        var image = new TestImage();
        using (var direct = TestImage.Client(registry.Host)) await image.PushAsync(direct);
        var ofMirror = RegistryHost.Of(mirror.Host, plain: true) with { Namespace = registry.Host, Can =
            Capabilities.Pull | Capabilities.Resolve };
        using var client = TestImage.Client(registry.Host, null, ofMirror, RegistryHost.Of(registry.Host, plain: true));
        Assert.Equal(image.ManifestDescriptor.Digest, (await client.ResolveAsync(default)).Digest);
        Assert.Equal(image.Layer, await TestImage.ReadAsync(client, image.LayerDescriptor));
        using var only = TestImage.Client(registry.Host, null, ofMirror with { Can = Capabilities.Pull });
        Assert.Equal(
            RegistryFault.FailedPrecondition, (await Assert.ThrowsAsync<RegistryException>(() => only.ResolveAsync(default)))
                .Fault);
    }
}
