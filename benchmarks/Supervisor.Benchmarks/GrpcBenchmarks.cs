using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Supervisor.Benchmarks;

/// <summary>
/// A call over a unix socket: the server and the client of this repository's daemon, a service that does nothing.
/// </summary>
internal static class GrpcBenchmarks
{
    private const int Sequential = 2_000, Callers = 8, EachCaller = 1_000, Streamed = 20_000;

    public static IEnumerable<Benchmark> All =>
    [
        new("grpc-unary", "calls/s", () => With(client => Benchmark.Rate(Sequential, () => Call(client, Sequential)))),
        new("grpc-unary-8-callers", "calls/s", () => With(client => Benchmark.Rate(Callers * EachCaller, () =>
            Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Call(client, EachCaller)))))),
        new("grpc-server-streaming", "messages/s", () => With(client => Benchmark.Rate(Streamed, () => Read(client)))),
    ];

    private sealed class Service : Health.HealthBase
    {
        private static readonly HealthCheckResponse Serving = new() { Status = HealthCheckResponse.Types.ServingStatus.Serving };

        public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
            Task.FromResult(Serving);

        /// <summary>The name of the service is the number of messages to send.</summary>
        public override async Task Watch(
            HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
        {
            for (var left = int.Parse(request.Service, CultureInfo.InvariantCulture); left > 0; left--)
                await responseStream.WriteAsync(Serving);
        }
    }

    private static async Task Call(Health.HealthClient client, int count)
    {
        var request = new HealthCheckRequest();
        for (var i = 0; i < count; i++) await client.CheckAsync(request);
    }

    private static async Task Read(Health.HealthClient client)
    {
        using var call = client.Watch(new HealthCheckRequest { Service = Streamed.ToString(CultureInfo.InvariantCulture) });
        var count = 0;
        while (await call.ResponseStream.MoveNext(CancellationToken.None)) count++;
        if (count != Streamed) throw new InvalidOperationException($"expected {Streamed} messages, got {count}");
    }

    private static async Task<double> With(Func<Health.HealthClient, Task<double>> work)
    {
        var directory = Directory.CreateTempSubdirectory("bench-").FullName;
        var socketPath = Path.Combine(directory, "grpc.sock");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.ListenUnixSocket(socketPath, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        await using var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        using var transport = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = transport });
        try
        {
            var client = new Health.HealthClient(channel);
            await client.CheckAsync(new HealthCheckRequest());
            return await work(client);
        }
        finally
        {
            await app.StopAsync();
            Directory.Delete(directory, recursive: true);
        }
    }
}
