using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Supervisor.Host.Services.Streaming;

/// <summary>A stream that a client opened for another of its calls: each side sends messages. One reader, one writer.</summary>
public sealed class ClientStream : IDisposable
{
    private readonly IAsyncStreamReader<Any> _reader;
    private readonly IServerStreamWriter<Any> _writer;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ClientStream(IAsyncStreamReader<Any> reader, IServerStreamWriter<Any> writer, CancellationToken gone) =>
        (_reader, _writer, Gone) = (reader, writer, gone);

    /// <summary>The client's call has ended.</summary>
    internal CancellationToken Gone { get; }

    /// <summary>Completes when this side needs the stream no more.</summary>
    internal Task Closed => _closed.Task;

    /// <summary>Whether a call has taken it.</summary>
    internal bool IsTaken { get; set; }

    /// <summary>Sends one message.</summary>
    /// <exception cref="IOException">The client has gone.</exception>
    public async Task SendAsync(IMessage message, CancellationToken cancel)
    {
        await _sending.WaitAsync(cancel);
        try
        {
            if (_closed.Task.IsCompleted) throw new IOException("the stream is closed");
            await _writer.WriteAsync(StreamMessages.Pack(message), cancel);
        }
        catch (InvalidOperationException e)
        {
            throw new IOException("the client has closed the stream", e);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next message; null: the client sends no more.</summary>
    /// <exception cref="IOException">The client has gone.</exception>
    public async Task<Any?> ReceiveAsync(CancellationToken cancel)
    {
        try
        {
            return await _reader.MoveNext(cancel) ? _reader.Current : null;
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException && !cancel.IsCancellationRequested)
        {
            throw new IOException("the client has closed the stream", e);
        }
    }

    /// <summary>Ends the client's call. Idempotent.</summary>
    public void Close() => _closed.TrySetResult();

    /// <inheritdoc/>
    public void Dispose() => _sending.Dispose();
}
