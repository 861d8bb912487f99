using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Supervisor.Tests.Compat.Grpc.Proto;

namespace Supervisor.Tests.Compat.Grpc;

/// <summary>TLS, many streams, and peers that break the rules or go away.</summary>
public sealed class TransportTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(90);

    private static readonly EchoHandlers Echoing = new()
    {
        Unary = (ping, _) => Task.FromResult(new Pong { Text = ping.Text }),
        Chat = async (pings, pongs, context) =>
        {
            await foreach (var ping in pings.ReadAllAsync(context.CancellationToken)) await pongs.WriteAsync(new Pong { Text = ping.Text });
        },
    };

    [Fact]
    public async Task Calls_go_over_tls_and_a_certificate_that_nobody_vouches_for_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        await using var server = await EchoServer.StartAsync(Echoing, certificate: certificate);

        var known = server.Channel(configure: o =>
        {
            var transport = server.Transport();
            transport.SslOptions.RemoteCertificateValidationCallback = (_, peer, _, _) => peer!.GetCertHashString() == certificate.Thumbprint;
            o.HttpHandler = transport;
            o.Credentials = ChannelCredentials.SecureSsl;
        }, address: "https://localhost");
        Assert.Equal("hidden", (await new Echo.EchoClient(known).UnaryAsync(new Ping { Text = "hidden" }).ResponseAsync.WaitAsync(Soon)).Text);

        var unknown = new Echo.EchoClient(server.Channel(address: "https://localhost"));
        var error = await Assert.ThrowsAsync<RpcException>(() => unknown.UnaryAsync(new Ping()).ResponseAsync.WaitAsync(Soon));
        Assert.Contains(error.StatusCode, new[] { StatusCode.Internal, StatusCode.Unavailable });
    }

    [Fact]
    public async Task A_status_may_carry_binary_details_in_its_trailers()
    {
        byte[] details = [8, 5, 18, 3, 110, 111, 33];
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, _) => throw new RpcException(
                new Status(StatusCode.NotFound, "no %20 ä \n"), new Metadata { { "grpc-status-details-bin", details }, { "why", "because" } }),
        });
        var error = await Assert.ThrowsAsync<RpcException>(() => server.Client().UnaryAsync(new Ping()).ResponseAsync.WaitAsync(Soon));
        Assert.Equal((StatusCode.NotFound, "no %20 ä \n"), (error.StatusCode, error.Status.Detail));
        Assert.Equal(details, error.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal("because", error.Trailers.GetValue("why"));
    }

    [Fact]
    public async Task Ten_thousand_streams_are_open_at_once_and_none_is_left()
    {
        const int Streams = 10_000;
        int open = 0, most = 0;
        await using var server = await EchoServer.StartAsync(new()
        {
            Chat = async (pings, pongs, context) =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref open));
                try
                {
                    await Echoing.Chat!(pings, pongs, context);
                }
                finally
                {
                    Interlocked.Decrement(ref open);
                }
            },
        });
        var client = server.Client();
        var calls = new AsyncDuplexStreamingCall<Ping, Pong>[Streams];
        await Parallel.ForAsync(0, Streams, async (i, _) =>
        {
            calls[i] = client.Chat();
            await calls[i].RequestStream.WriteAsync(new Ping { Text = $"{i}" });
            Assert.True(await calls[i].ResponseStream.MoveNext());
            Assert.Equal($"{i}", calls[i].ResponseStream.Current.Text);
        }).WaitAsync(Patience);
        Assert.Equal(Streams, Volatile.Read(ref most));
        await Parallel.ForAsync(0, Streams, async (i, _) =>
        {
            await calls[i].RequestStream.CompleteAsync();
            Assert.False(await calls[i].ResponseStream.MoveNext());
            calls[i].Dispose();
        }).WaitAsync(Patience);
        await UntilAsync(() => Volatile.Read(ref open) == 0);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while (value > (seen = Volatile.Read(ref target)) && Interlocked.CompareExchange(ref target, value, seen) != seen) { }
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (!holds()) await Task.Delay(10, deadline.Token);
    }

    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    /// <summary>RFC 9113, 4.1: length, type, flags, stream, payload.</summary>
    private static byte[] Frame(byte type, byte flags, int stream, params byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static IEnumerable<byte[]> Malformed()
    {
        var settings = Frame(4, 0, 0);
        yield return [];
        yield return Preface[..7];
        yield return Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        yield return RandomNumberGenerator.GetBytes(4096);
        yield return [.. Preface, .. RandomNumberGenerator.GetBytes(1024)];
        yield return [.. Preface, .. settings, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1];             // DATA longer than any limit
        yield return [.. Preface, .. settings, .. Frame(0, 0, 0, 1, 2, 3)];                      // DATA on stream 0
        yield return [.. Preface, .. settings, .. Frame(1, 4, 1, 0x80, 0xFF, 0xFF, 0xFF, 0xFF)]; // HEADERS with an index out of all bounds
        yield return [.. Preface, .. settings, .. Frame(9, 4, 1, 0x82)];                         // CONTINUATION of nothing
        yield return [.. Preface, .. settings, .. Frame(1, 0, 1, 0x82), .. Frame(0, 0, 1, 1)];   // HEADERS broken off by DATA
        yield return [.. Preface, .. settings, .. Frame(8, 0, 0, 0, 0, 0, 0)];                   // WINDOW_UPDATE by 0
        yield return [.. Preface, .. settings, .. Frame(4, 0, 0, 0, 5, 0xFF)];                   // SETTINGS of 3 bytes
        yield return [.. Preface, .. settings, .. Frame(3, 0, 1, 0, 0, 0, 8)];                   // RST_STREAM of an idle stream
        yield return [.. Preface, .. settings, .. Frame(6, 0, 0, 1, 2, 3)];                      // PING of 3 bytes
    }

    [Fact]
    public async Task Malformed_frames_neither_crash_nor_leak()
    {
        await using var server = await EchoServer.StartAsync(Echoing);
        var client = server.Client();
        Assert.Equal("before", (await client.UnaryAsync(new Ping { Text = "before" })).Text);
        for (var round = 0; round < 20; round++)
            foreach (var bytes in Malformed())
            {
                await using var connection = await server.ConnectAsync();
                try
                {
                    await connection.WriteAsync(bytes);
                    connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
                    using var deadline = new CancellationTokenSource(Soon);
                    // The server says why, or nothing, and hangs up; it does not wait for more.
                    while (await connection.ReadAsync(new byte[1024], deadline.Token) > 0) { }
                }
                catch (IOException)
                {
                    // It has hung up while we were still sending.
                }
            }
        Assert.Equal("after", (await client.UnaryAsync(new Ping { Text = "after" })).Text);
        await UntilAsync(() => server.Connections == 1);      // of the client that did nothing wrong
    }

    [Fact]
    public async Task A_connection_that_is_cut_off_cancels_its_calls_and_leaks_nothing()
    {
        const int Rounds = 50, Calls = 10;
        var cancelled = 0;
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = Echoing.Unary,
            Chat = async (pings, pongs, context) =>
            {
                try
                {
                    await Echoing.Chat!(pings, pongs, context);
                }
                catch (Exception) when (context.CancellationToken.IsCancellationRequested)
                {
                    Interlocked.Increment(ref cancelled);
                }
            },
        });
        var steady = server.Client();
        Assert.Equal("before", (await steady.UnaryAsync(new Ping { Text = "before" })).Text);
        for (var round = 0; round < Rounds; round++)
        {
            Stream? wire = null;
            var transport = server.Transport();
            transport.ConnectCallback = async (_, _) => wire = await server.ConnectAsync();
            using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress("http://localhost",
                new() { HttpHandler = transport, DisposeHttpClient = true });
            var client = new Echo.EchoClient(channel);
            var calls = Enumerable.Range(0, Calls).Select(_ => client.Chat()).ToList();
            foreach (var call in calls)
            {
                await call.RequestStream.WriteAsync(new Ping { Text = "x" });
                Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Soon));
            }
            await wire!.DisposeAsync();
            foreach (var call in calls) await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Soon));
        }
        await UntilAsync(() => Volatile.Read(ref cancelled) == Rounds * Calls);
        Assert.Equal("after", (await steady.UnaryAsync(new Ping { Text = "after" })).Text);
        await UntilAsync(() => server.Connections == 1);      // of the client that did nothing wrong
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0 }, "13")]                                   // ends inside the prefix of a message
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "13")]                          // ends inside a message
    [InlineData(new byte[] { 7, 0, 0, 0, 0 }, "13")]                             // no such compression flag
    [InlineData(new byte[] { 0, 0x7F, 0xFF, 0xFF, 0xFF }, "8")]                  // longer than the server's limit
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 0xFF, 0xFF }, "13")]                 // no protocol buffer
    public async Task A_message_that_is_none_ends_its_call_with_a_status(byte[] body, string status)
    {
        await using var server = await EchoServer.StartAsync(Echoing);
        using var http = new HttpClient(server.Transport());
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://localhost/supervisor.tests.Echo/Unary")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await http.SendAsync(request).WaitAsync(Soon);
        await response.Content.ReadAsByteArrayAsync();
        var headers = response.TrailingHeaders.Concat(response.Headers).ToLookup(h => h.Key, h => h.Value.First(), StringComparer.OrdinalIgnoreCase);
        Assert.Equal(status, headers["grpc-status"].FirstOrDefault());
        Assert.Equal("still here", (await server.Client().UnaryAsync(new Ping { Text = "still here" })).Text);
    }
}
