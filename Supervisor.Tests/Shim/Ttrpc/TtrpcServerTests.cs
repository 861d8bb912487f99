using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using Supervisor.Shim.Ttrpc;
using static Tmds.Linux.LibC;

namespace Supervisor.Tests.Shim.Ttrpc;

public sealed class TtrpcServerTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-ttrpc-");
    private readonly ConcurrentQueue<Exception> _errors = new();
    private readonly EventLoop _loop;
    private readonly Fd _listener;
    private readonly TtrpcServer _server;

    public TtrpcServerTests()
    {
        _loop = new EventLoop("test", _errors.Enqueue);
        _listener = UnixSocket.Listen(SOCK_STREAM | SOCK_NONBLOCK, Path.Join(_place.FullName, "s"), 8);
        var held = new List<TtrpcCall>();
        _server = new TtrpcServer(_loop, _listener, call =>
        {
            if (call.Method is "Hold") held.Add(call);
            else if (call.Method is "Large") call.Reply(new WireWriter().Bytes(1, new byte[5 << 20]));
            else call.Reply(new WireWriter().Text(1, call.Method + call.Payload.Length));
            if (call.Method is "Release") foreach (var one in held) one.Reply(new WireWriter().Text(1, "released"));
        }, _ => { });
    }

    public void Dispose()
    {
        _loop.Dispose();
        _server.Dispose();
        _listener.Dispose();
        _place.Delete(recursive: true);
        Assert.Empty(_errors);
    }

    [Fact]
    public void Calls_are_answered_in_any_order_on_their_streams()
    {
        using var client = Connect();
        Call(client, 1, "Hold");
        Call(client, 3, "Echo");
        Assert.Equal((3u, "Echo3"), Answer(client));
        Call(client, 5, "Release");
        Assert.Equal([(1u, "released"), (5u, "Release3")], new[] { Answer(client), Answer(client) }.Order());
    }

    [Fact]
    public void A_message_above_the_limit_is_refused_and_the_next_call_served()
    {
        using var client = Connect();
        client.Send(TtrpcFrame.Encode(1, FrameType.Request, new byte[TtrpcFrame.LongestPayload + 1]));
        Assert.Equal((1u, "ResourceExhausted: message length 4194305 exceed maximum message size of 4194304"), Answer(client));
        Call(client, 3, "Large");
        Assert.StartsWith("ResourceExhausted: message length 52428", Answer(client).Text, StringComparison.Ordinal);
        Call(client, 5, "Echo");
        Assert.Equal((5u, "Echo3"), Answer(client));
    }

    [Fact]
    public void Streams_and_wrong_stream_numbers_are_refused_and_data_frames_ignored()
    {
        using var client = Connect();
        var open = Request(1, "Echo");
        open[9] = (byte)FrameFlags.RemoteOpen;
        client.Send(open);
        Assert.Equal((1u, "Unimplemented: this shim has no streaming methods"), Answer(client));
        client.Send(TtrpcFrame.Encode(1, FrameType.Data, "more"u8));
        Call(client, 2, "Echo");
        Assert.Contains("odd numbers", Answer(client).Text, StringComparison.Ordinal);
        Call(client, 7, "Echo");
        Assert.Equal((7u, "Echo3"), Answer(client));
        Call(client, 5, "Echo");
        Assert.Equal("InvalidArgument: stream 5: it was used already, or is below 7", Answer(client).Text);
    }

    [Fact]
    public void A_malformed_request_is_refused_and_the_connection_lives()
    {
        using var client = Connect();
        client.Send(TtrpcFrame.Encode(1, FrameType.Request, [0x0a, 0x05]));
        Assert.StartsWith("InvalidArgument: ttrpc request: ", Answer(client).Text, StringComparison.Ordinal);
        Call(client, 3, "Echo");
        Assert.Equal((3u, "Echo3"), Answer(client));
    }

    [Fact]
    public void Too_many_open_calls_are_refused()
    {
        using var client = Connect();
        for (var i = 0u; i < 1024; i++) Call(client, 2 * i + 1, "Hold");
        Call(client, 9001, "Echo");
        Assert.Equal((9001u, "ResourceExhausted: 1024 calls of this connection are open"), Answer(client));
    }

    [Fact]
    public void A_client_that_does_not_read_is_disconnected_and_others_are_served()
    {
        using var client = Connect();
        var big = new TtrpcRequest("s", new string('m', 1 << 20), [], null).Write().Written.ToArray();
        client.SendTimeout = 10_000;
        Assert.ThrowsAny<SocketException>(() =>
        {
            for (var i = 0u; i < 64; i++) client.Send(TtrpcFrame.Encode(2 * i + 1, FrameType.Request, big));
        });
        using var other = Connect();
        Call(other, 1, "Echo");
        Assert.Equal((1u, "Echo3"), Answer(other));
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(Path.Join(_place.FullName, "s")));
        return socket;
    }

    private static byte[] Request(uint stream, string method) =>
        TtrpcFrame.Encode(stream, FrameType.Request, new TtrpcRequest("s", method, [1, 2, 3], null).Write().Written);

    private static void Call(Socket client, uint stream, string method) => client.Send(Request(stream, method));

    private static (uint Stream, string Text) Answer(Socket client)
    {
        var header = Receive(client, TtrpcFrame.HeaderSize);
        var payload = Receive(client, BinaryPrimitives.ReadInt32BigEndian(header));
        Assert.Equal((byte)FrameType.Response, header[8]);
        var response = TtrpcResponse.Read(payload);
        var stream = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        if (response.Code is not StatusCode.Ok) return (stream, $"{response.Code}: {response.Message}");
        var reader = new WireReader(response.Payload);
        return (stream, reader.Next() ? reader.Text : "");
    }

    private static byte[] Receive(Socket client, int length)
    {
        var bytes = new byte[length];
        for (var got = 0; got < length;)
            got += client.Receive(bytes, got, length - got, SocketFlags.None) is > 0 and var one
                ? one : throw new EndOfStreamException();
        return bytes;
    }
}
