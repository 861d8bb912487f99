using System.Net.Sockets;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Supervisor.Tests.Compat.Grpc.Proto;

namespace Supervisor.Tests.Compat.Grpc;

/// <summary>The published gRPC server on a unix socket of its own, and channels to it by the published client.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("echo-").FullName;
    private readonly List<GrpcChannel> _channels = [];
    private readonly WebApplication _app;

    private EchoServer(EchoHandlers handlers, Action<GrpcServiceOptions>? configure)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.ListenUnixSocket(SocketPath, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(handlers);
        builder.Services.AddGrpc(options => configure?.Invoke(options));
        _app = builder.Build();
        _app.MapGrpcService<EchoService>();
    }

    private string SocketPath => Path.Combine(_directory, "echo.sock");

    public static async Task<EchoServer> StartAsync(EchoHandlers handlers, Action<GrpcServiceOptions>? configure = null)
    {
        var server = new EchoServer(handlers, configure);
        await server._app.StartAsync();
        return server;
    }

    /// <param name="wrap">Puts a handler in front of the transport, to see the HTTP/2 messages themselves.</param>
    public GrpcChannel Channel(Func<HttpMessageHandler, HttpMessageHandler>? wrap = null, Action<GrpcChannelOptions>? configure = null)
    {
        HttpMessageHandler transport = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var options = new GrpcChannelOptions { HttpHandler = wrap?.Invoke(transport) ?? transport, DisposeHttpClient = true };
        configure?.Invoke(options);
        var channel = GrpcChannel.ForAddress("http://localhost", options);
        _channels.Add(channel);
        return channel;
    }

    public Echo.EchoClient Client() => new(Channel());

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels) channel.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>What the server does in one test; a method that is left out answers Unimplemented.</summary>
internal sealed class EchoHandlers
{
    public Func<Ping, ServerCallContext, Task<Pong>>? Unary { get; init; }
    public Func<IAsyncStreamReader<Ping>, ServerCallContext, Task<Pong>>? Collect { get; init; }
    public Func<Ping, IServerStreamWriter<Pong>, ServerCallContext, Task>? Repeat { get; init; }
    public Func<IAsyncStreamReader<Ping>, IServerStreamWriter<Pong>, ServerCallContext, Task>? Chat { get; init; }
}

internal sealed class EchoService(EchoHandlers handlers) : Echo.EchoBase
{
    public override Task<Pong> Unary(Ping request, ServerCallContext context) =>
        handlers.Unary?.Invoke(request, context) ?? base.Unary(request, context);

    public override Task<Pong> Collect(IAsyncStreamReader<Ping> requestStream, ServerCallContext context) =>
        handlers.Collect?.Invoke(requestStream, context) ?? base.Collect(requestStream, context);

    public override Task Repeat(Ping request, IServerStreamWriter<Pong> responseStream, ServerCallContext context) =>
        handlers.Repeat?.Invoke(request, responseStream, context) ?? base.Repeat(request, responseStream, context);

    public override Task Chat(IAsyncStreamReader<Ping> requestStream, IServerStreamWriter<Pong> responseStream, ServerCallContext context) =>
        handlers.Chat?.Invoke(requestStream, responseStream, context) ?? base.Chat(requestStream, responseStream, context);
}
