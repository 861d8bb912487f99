using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Supervisor.Host.Hosting;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.ShimService;

/// <summary>
/// The front of one container's Shim service: gRPC on a listening socket of the shim's, and the shim behind it. It has no state:
/// it exits when no client has been connected for a while, or when the shim does.
/// </summary>
internal static class FrontHost
{
    private const int LargestMessage = 16 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(FrontArguments arguments)
    {
        using var link = new ShimLink(new PacketSocket(new Fd(FrontArguments.Link)), arguments);
        var clients = new ClientConnections(FrontArguments.Listener, arguments.Idle);
        await using var app = Build(link, clients);
        await app.StartAsync();
        await Task.WhenAny(clients.Idle, link.Ended, link.ExitRequested);
        clients.StopAccepting(); // those that wait stay in the shim's queue, for the next front
        using var patience = new CancellationTokenSource(Patience); // for answers on their way, also to the Exit of a shim
        await app.StopAsync(patience.Token);
        return 0;
    }

    private static WebApplication Build(ShimLink link, ClientConnections clients)
    {
        // Empty: no configuration files, no environment, no TLS; all that is needed is named here.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = FrontArguments.Program, ContentRootPath = "/" });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null; // Events is idle for days
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromDays(30);
            kestrel.ListenHandle(FrontArguments.Listener, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(clients);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>(); // the shim decides when we exit
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(g =>
        {
            g.MaxReceiveMessageSize = g.MaxSendMessageSize = LargestMessage;
            g.Interceptors.Add<ErrorInterceptor>();
            g.EnableDetailedErrors = true; // for errors that no interceptor sees: see MalformedRequests
        });
        builder.Services.AddSingleton(link).AddSingleton<ErrorInterceptor>().AddSingleton<ShimService>();
        var app = builder.Build();
        app.Use(async (context, next) =>
        {
            await next(context);
            MalformedRequests.Correct(context);
        });
        app.MapGrpcService<ShimService>();
        return app;
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
