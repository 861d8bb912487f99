using Microsoft.AspNetCore.Http;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.Manifests;

namespace Supervisor.Tests.Registry;

/// <summary>Servers that break, lie, stall, or want what is not theirs.</summary>
public class BadRegistryTests
{
    private static readonly Credential Login = new("person", "hush", CredentialKind.Password);
    private readonly TestImage _image = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broken_download_goes_on_where_it_stopped(bool hasRanges)
    {
        var breaks = 3;
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            var from = hasRanges && context.Request.GetTypedHeaders().Range is { } range ? (int)range.Ranges.First().From!.Value
                : 0;
            if (from > 0)
            {
                context.Response.StatusCode = StatusCodes.Status206PartialContent;
                context.Response.Headers.ContentRange = $"bytes {from}-{_image.Layer.Length - 1}/{_image.Layer.Length}";
            }
            context.Response.ContentLength = _image.Layer.Length - from;
            var isLast = Interlocked.Decrement(ref breaks) < 0;
            var end = isLast ? _image.Layer.Length : from + 50_000 * (3 - breaks);
            await context.Response.Body.WriteAsync(_image.Layer.AsMemory(from, Math.Min(end, _image.Layer.Length) - from));
            await context.Response.Body.FlushAsync();
            if (!isLast) context.Abort();
        });
        using var client = TestImage.Client(registry.Host);
        Assert.Equal(_image.Layer, await TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal(4, registry.Requests.Count);
    }

    [Fact]
    public async Task A_download_that_brings_nothing_is_given_up()
    {
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            context.Response.ContentLength = _image.Layer.Length;
            await context.Response.Body.WriteAsync(new byte[] { _image.Layer[0] });
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = new RegistryClient(
            Supervisor.Registry.References.ImageName.Parse($"{registry.Host}/test/image:one"),
                [RegistryHost.Of(registry.Host, plain: true)],
            (_, _) => Task.FromResult<Credential?>(null), TestImage.Limits with { StallTimeout =
                TimeSpan.FromMilliseconds(100) }, "test",
            TimeProvider.System);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal(RegistryFault.Unavailable, failure.Fault);
        Assert.Contains("no byte for", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_bytes_than_announced_are_not_taken()
    {
        await using var registry = await ScriptedRegistry.StartAsync(context => context.Response.Body.WriteAsync(_image.Layer)
            .AsTask());
        using var client = TestImage.Client(registry.Host);
        var taken = 0L;
        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ReadBlobAsync(
            _image.LayerDescriptor with { Size = 100_000 }, 0, piece => { taken += piece.Length; return default; }, default));
        Assert.Equal(RegistryFault.DataLoss, failure.Fault);
        Assert.True(taken <= 100_000, $"{taken} bytes were taken");
    }

    [Fact]
    public async Task A_manifest_of_another_digest_or_size_is_not_taken()
    {
        await using var registry = await ScriptedRegistry.StartAsync(context => context.Response.Body.WriteAsync(_image.Manifest)
            .AsTask());
        using var client = TestImage.Client(registry.Host);
        foreach (var lie in (Descriptor[])[
            _image.LayerDescriptor with { Size = _image.Manifest.Length }, _image.ManifestDescriptor with { Size = 10 }])
            Assert.Equal(
                RegistryFault.DataLoss,
                (await Assert.ThrowsAsync<RegistryException>(() => client.ReadManifestAsync(lie, default))).Fault);
    }

    [Fact]
    public async Task A_manifest_without_an_end_is_not_kept()
    {
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            if (context.Request.Method == "HEAD") return; // says neither digest nor size
            var piece = new byte[1 << 16];
            for (var i = 0; i < 1000 && !context.RequestAborted.IsCancellationRequested;
                i++) await context.Response.Body.WriteAsync(piece);
        });
        using var client = TestImage.Client(registry.Host);
        Assert.Equal(
            RegistryFault.ResourceExhausted, (await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default)))
                .Fault);
        Assert.Equal(2, registry.Requests.Count); // it was not asked again
    }

    [Fact]
    public async Task A_server_that_is_busy_is_asked_again_and_then_given_up()
    {
        var fails = 2;
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            if (Interlocked.Decrement(ref fails) >= 0)
            {
                context.Response.StatusCode = fails == 1 ? 503 : 429;
                context.Response.Headers.RetryAfter = "86400"; // longer than the limits allow
                return;
            }
            await context.Response.Body.WriteAsync(_image.Layer);
        });
        using var client = TestImage.Client(registry.Host);
        Assert.Equal(_image.Layer, await TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal(3, registry.Requests.Count);
        fails = int.MaxValue;
        Assert.Equal(
            RegistryFault.ResourceExhausted,
            (await Assert.ThrowsAsync<RegistryException>(() => TestImage.ReadAsync(client, _image.LayerDescriptor))).Fault);
        Assert.Equal(3 + TestImage.Limits.Attempts, registry.Requests.Count);
    }

    [Fact]
    public async Task A_redirect_to_another_server_gets_no_credentials()
    {
        string? leaked = null;
        await using var elsewhere = await ScriptedRegistry.StartAsync(async context =>
        {
            leaked = $"{context.Request.Headers.Authorization}{context.Request.Headers["x-secret"]}";
            await context.Response.Body.WriteAsync(_image.Layer);
        });
        await using var registry = await ScriptedRegistry.StartAsync(context =>
        {
            if (context.Request.Headers.Authorization.Count == 0)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"here\"";
            }
            else context.Response.Redirect($"http://{elsewhere.Host}/blob", permanent: false);
            return Task.CompletedTask;
        });
        var server = RegistryHost.Of(registry.Host, plain: true) with { Headers = [KeyValuePair.Create("x-secret", "hush")] };
        using var client = TestImage.Client(registry.Host, Login, server);
        Assert.Equal(_image.Layer, await TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal("", leaked);
    }

    [Fact]
    public async Task Redirects_end()
    {
        ScriptedRegistry? registry = null;
        registry = await ScriptedRegistry.StartAsync(context =>
        {
            context.Response.Redirect($"{context.Request.Path}?again");
            return Task.CompletedTask;
        });
        await using (registry)
        {
            using var client = TestImage.Client(registry.Host);
            var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default));
            Assert.Contains("redirects", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_token_is_asked_for_once_and_with_the_credentials()
    {
        var asked = new List<string>();
        string? given = null;
        await using var tokens = await ScriptedRegistry.StartAsync(async context =>
        {
            given = context.Request.Headers.Authorization;
            lock (asked) asked.Add($"{context.Request.Query["service"]} {context.Request.Query["scope"]}");
            await context.Response.WriteAsync("""{"token":"the-token","expires_in":300}""");
        });
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            if (context.Request.Headers.Authorization == "Bearer the-token") { await context.Response.Body.WriteAsync(
                _image.Layer); return; }
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate =
                $"Bearer realm=\"http://{tokens.Host}/token?a=b\", service=\"our, \\\"registry\\\"\",scope=\"repository:x:pull\"";
        });
        using var client = TestImage.Client(registry.Host, Login);
        await TestImage.ReadAsync(client, _image.LayerDescriptor);
        await TestImage.ReadAsync(client, _image.LayerDescriptor);
        Assert.Equal(["our, \"registry\" repository:test/image:pull"], asked);
        Assert.Equal("Basic " + Convert.ToBase64String("person:hush"u8), given);
    }

    [Fact]
    public async Task An_identity_token_is_exchanged()
    {
        IFormCollection? form = null;
        await using var tokens = await ScriptedRegistry.StartAsync(async context =>
        {
            form = await context.Request.ReadFormAsync();
            await context.Response.WriteAsync("""{"access_token":"the-token"}""");
        });
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            if (context.Request.Headers.Authorization == "Bearer the-token") { await context.Response.Body.WriteAsync(
                _image.Layer); return; }
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"http://{tokens.Host}/token\",service=us";
        });
        using var client = TestImage.Client(registry.Host, new Credential("", "identity", CredentialKind.Refresh));
        Assert.Equal(_image.Layer, await TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal(("refresh_token", "identity", "us"),
            (form!["grant_type"].ToString(), form["refresh_token"].ToString(), form["service"].ToString()));
    }

    [Theory]
    [InlineData("{}", "without a token")]
    [InlineData("no", "did not answer with JSON")]
    [InlineData("{\"token\":\"a\\nb\"}", "without a token")]
    public async Task A_token_server_that_gives_no_token_is_refused(string body, string reason)
    {
        await using var tokens = await ScriptedRegistry.StartAsync(context => context.Response.WriteAsync(body));
        await using var registry = await ScriptedRegistry.StartAsync(context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"http://{tokens.Host}/\"";
            return Task.CompletedTask;
        });
        using var client = TestImage.Client(registry.Host, Login);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ResolveAsync(default));
        Assert.Equal(RegistryFault.Unauthenticated, failure.Fault);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_registry_writes_cannot_change_a_terminal()
    {
        await using var registry = await ScriptedRegistry.StartAsync(async context =>
        {
            context.Response.StatusCode = 403;
            await context.Response.WriteAsync("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\\u001b[2Jno\"}]}");
        });
        using var client = TestImage.Client(registry.Host);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => TestImage.ReadAsync(client, _image.LayerDescriptor));
        Assert.Equal(RegistryFault.PermissionDenied, failure.Fault);
        Assert.EndsWith("403 Forbidden: DENIED:  [2Jno", failure.Message, StringComparison.Ordinal);
    }
}
