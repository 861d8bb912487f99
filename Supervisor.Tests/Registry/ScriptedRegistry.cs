using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Supervisor.Registry.Manifests;

namespace Supervisor.Tests.Registry;

/// <summary>A server of the loopback that does what no registry should: each request is answered by the test.</summary>
public sealed class ScriptedRegistry : IAsyncDisposable
{
    private readonly WebApplication _web;

    private ScriptedRegistry(Func<HttpContext, Task> answer)
    {
        Host = $"127.0.0.1:{RegistryServer.FreePort()}";
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => o.Listen(IPEndPoint.Parse(Host)));
        _web = builder.Build();
        _web.Run(context =>
        {
            Requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
            return answer(context);
        });
    }

    /// <summary>HOST:PORT.</summary>
    public string Host { get; }

    /// <summary>METHOD PATH of each request, in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<ScriptedRegistry> StartAsync(Func<HttpContext, Task> answer)
    {
        var registry = new ScriptedRegistry(answer);
        await registry._web.StartAsync();
        return registry;
    }

    /// <summary>One that has an image under test/image:one, unless the test answers a request itself.</summary>
    /// <param name="instead">Returns whether it has answered.</param>
    public static Task<ScriptedRegistry> ServeAsync(
        Descriptor image, IReadOnlyDictionary<string, byte[]> blobs, Func<HttpContext, Task<bool>>? instead = null) =>
        StartAsync(async context =>
        {
            if (instead is not null && await instead(context)) return;
            var name = context.Request.Path.Value!.Split('/')[^1];
            var digest = name == "one" ? image.Digest : name;
            if (!blobs.TryGetValue(digest, out var bytes))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }
            if (context.Request.Path.Value.Contains("/manifests/", StringComparison.Ordinal))
            {
                context.Response.ContentType = digest == image.Digest ? image.MediaType : MediaTypes.Manifest;
                context.Response.Headers["Docker-Content-Digest"] = digest;
            }
            context.Response.ContentLength = bytes.Length;
            if (context.Request.Method == "GET") await context.Response.Body.WriteAsync(bytes);
        });

    public async ValueTask DisposeAsync()
    {
        await _web.StopAsync(new CancellationToken(canceled: true));
        await _web.DisposeAsync();
    }
}
