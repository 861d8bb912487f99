using System.Net;

namespace Supervisor.Registry.Transport;

/// <summary>A blob as the body of a request: read while it is sent, given up if the server takes nothing for too long.</summary>
internal sealed class BlobContent(Stream blob, long size, TimeSpan stall, Action<long>? progress) : HttpContent
{
    private const int PieceSize = 64 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context,
        CancellationToken cancellationToken)
    {
        var piece = new byte[PieceSize];
        using var within = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        for (long sent = 0; await blob.ReadAsync(piece, cancellationToken) is > 0 and var got;)
        {
            within.CancelAfter(stall);
            try
            {
                await stream.WriteAsync(piece.AsMemory(0, got), within.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"the registry took no byte for {stall.TotalSeconds:0} s");
            }
            progress?.Invoke(sent += got);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = size;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) blob.Dispose();
        base.Dispose(disposing);
    }
}
