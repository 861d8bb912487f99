using System.Security.Cryptography;
using Containerd.Services.Streaming.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;

namespace Supervisor.Cli.Images;

/// <summary>A stream to the daemon that another call names: bytes, progress, questions for credentials.</summary>
internal sealed class NamedStream : IDisposable
{
    private readonly AsyncDuplexStreamingCall<Any, Any> _call;

    private NamedStream(string name, AsyncDuplexStreamingCall<Any, Any> call) => (Name, _call) = (name, call);

    public string Name { get; }

    /// <summary>Returns when calls can name it.</summary>
    public static async Task<NamedStream> OpenAsync(DaemonClient client, string kind, CancellationToken cancel)
    {
        var name = $"{kind}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        var stream = new NamedStream(name, client.Streams.Stream(client.OpenEnded(cancel)));
        try
        {
            await stream.SendAsync(new StreamInit { Id = name });
            await stream._call.ResponseStream.MoveNext(cancel);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public Task SendAsync(IMessage message) => _call.RequestStream.WriteAsync(
        new Any { TypeUrl = message.Descriptor.FullName, Value = message.ToByteString() });

    /// <summary>No more messages from us.</summary>
    public Task CompleteAsync() => _call.RequestStream.CompleteAsync();

    /// <summary>The next message's bytes; null: the daemon has closed the stream.</summary>
    public async Task<ByteString?> ReceiveAsync(CancellationToken cancel) =>
        await _call.ResponseStream.MoveNext(cancel) ? _call.ResponseStream.Current.Value : null;

    public void Dispose() => _call.Dispose();
}
