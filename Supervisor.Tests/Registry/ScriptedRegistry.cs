using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

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

    public async ValueTask DisposeAsync()
    {
        await _web.StopAsync(new CancellationToken(canceled: true));
        await _web.DisposeAsync();
    }
}
