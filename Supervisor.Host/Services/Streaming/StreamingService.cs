using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Containerd.Services.Streaming.V1;

namespace Supervisor.Host.Services.Streaming;

/// <summary>
/// containerd.services.streaming.v1: a client opens a stream under a name, and names it in another call: the bytes of an archive,
/// a
/// transfer's progress, questions for credentials.
/// </summary>
public sealed class StreamingService(ClientStreams streams, TimeProvider clock)
    : Containerd.Services.Streaming.V1.Streaming.StreamingBase
{
    /// <summary>How long a stream waits for the call that names it.</summary>
    internal static readonly TimeSpan TakenWithin = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public override async Task Stream(
        IAsyncStreamReader<Any> requestStream, IServerStreamWriter<Any> responseStream, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        if (!await requestStream.MoveNext(context.CancellationToken)) return;
        var name = (StreamMessages.TryUnpack<StreamInit>(requestStream.Current)
            ?? throw GrpcTranslation.Refuse(
                StatusCode.InvalidArgument, $"a stream begins with a StreamInit, not \"{requestStream.Current.TypeUrl}\"")).Id;
        using var stream = new ClientStream(requestStream, responseStream, context.CancellationToken);
        streams.Add(@namespace, name, stream);
        try
        {
            await stream.SendAsync(new Empty(), context.CancellationToken); // it can be named from now on
            await Task.WhenAny(stream.Closed, Task.Delay(TakenWithin, clock, context.CancellationToken));
            lock (stream)
            {
                if (!stream.IsTaken && !stream.Closed.IsCompleted && !context.CancellationToken.IsCancellationRequested)
                    throw GrpcTranslation.Refuse(
                        StatusCode.DeadlineExceeded,
                            $"stream \"{name}\": no call named it within {TakenWithin.TotalSeconds:0} s");
            }
            await stream.Closed.WaitAsync(context.CancellationToken);
        }
        finally
        {
            streams.Remove(@namespace, name);
            stream.Close();
        }
    }
}
