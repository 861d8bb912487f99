using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
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
    private int _connections;

    private EchoServer(EchoHandlers handlers, Action<GrpcServiceOptions>? configure, X509Certificate2? certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.Http2.MaxStreamsPerConnection = MostStreams;
            kestrel.ListenUnixSocket(SocketPath, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.Use(next => async connection =>
                {
                    Interlocked.Increment(ref _connections);
                    try
                    {
                        await next(connection);
                    }
                    finally
                    {
                        Interlocked.Decrement(ref _connections);
                    }
                });
                if (certificate is not null) listen.UseHttps(certificate);
            });
        });
        builder.Services.AddSingleton(handlers);
        builder.Services.AddGrpc(options => configure?.Invoke(options));
        _app = builder.Build();
        _app.MapGrpcService<EchoService>();
    }

    public const int MostStreams = 20_000;

    /// <summary>That the server has not done with.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public string SocketPath => Path.Combine(_directory, "echo.sock");

    /// <param name="certificate">Makes the server speak TLS.</param>
    public static async Task<EchoServer> StartAsync(
        EchoHandlers handlers, Action<GrpcServiceOptions>? configure = null, X509Certificate2? certificate = null)
    {
        var server = new EchoServer(handlers, configure, certificate);
        await server._app.StartAsync();
        return server;
    }

    /// <param name="wrap">Puts a handler in front of the transport, to see the HTTP/2 messages themselves.</param>
    public GrpcChannel Channel(Func<HttpMessageHandler, HttpMessageHandler>? wrap = null, Action<GrpcChannelOptions>? configure = null,
        string address = "http://localhost")
    {
        HttpMessageHandler transport = Transport();
        var options = new GrpcChannelOptions { HttpHandler = wrap?.Invoke(transport) ?? transport, DisposeHttpClient = true };
        configure?.Invoke(options);
        var channel = GrpcChannel.ForAddress(address, options);
        _channels.Add(channel);
        return channel;
    }

    public SocketsHttpHandler Transport() => new() { ConnectCallback = async (_, _) => await ConnectAsync() };

    /// <summary>A bare connection.</summary>
    public async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        return new NetworkStream(socket, ownsSocket: true);
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
