using System.Net;
using System.Net.Http.Headers;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.Transport;

namespace Supervisor.Registry.Pulling;

/// <summary>
/// The bytes of one blob, in order. A connection that breaks or brings nothing is made again where it stopped (Range), on the
/// same server
/// or the next. OCI distribution-spec, "Pulling blobs".
/// </summary>
internal sealed class BlobReader(
    IReadOnlyList<HostClient> servers, string path, string scope, Descriptor blob, RegistryLimits limits, TimeProvider clock)
{
    private const int PieceSize = 256 * 1024, MostBreaks = 100;

    /// <summary>Reads from an offset to the end.</summary>
    /// <param name="from">Bytes that the caller has.</param>
    /// <param name="take">Gets each piece; it may not keep the memory.</param>
    /// <exception cref="RegistryException">No server has it, or it is not of its size.</exception>
    internal async Task ReadAsync(long from, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancel)
    {
        var (at, idle) = (from, 0);
        for (var breaks = 0; at < blob.Size || blob.Size == 0; breaks++)
        {
            var start = at;
            var (server, answer) = await OpenAsync(at, cancel);
            try
            {
                using (answer) at = await CopyAsync(answer, at, take, cancel);
                if (at == blob.Size) return;
                throw new IOException($"the connection ended after {at} of {blob.Size} bytes");
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                idle = at > start ? 0 : idle + 1;
                if (idle >= limits.Attempts || breaks >= MostBreaks)
                    throw new RegistryException(RegistryFault.Unavailable, $"{server.At(path)}: {e.Message}", e);
                await Task.Delay(RetryDelay.After(idle + 1, null, limits), clock, cancel);
            }
        }

        // The pieces so far were taken: what was given counts, also when the copy fails.
        async Task<long> CopyAsync(HttpResponseMessage answer, long offset, Func<ReadOnlyMemory<byte>, ValueTask> taker,
            CancellationToken token)
        {
            var skip = SkippedBy(answer, offset);
            await using var body = await answer.Content.ReadAsStreamAsync(token);
            var piece = new byte[PieceSize];
            using var within = CancellationTokenSource.CreateLinkedTokenSource(token);
            while (await PieceAsync(body, piece, within, token) is > 0 and var got)
            {
                var skipped = (int)Math.Min(skip, got);
                skip -= skipped;
                if (at + got - skipped > blob.Size)
                    throw new RegistryException(
                        RegistryFault.DataLoss,
                            $"{answer.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Path)}: it is longer than the "
                            + $"{blob.Size} bytes that the manifest says");
                if (got > skipped) await taker(piece.AsMemory(skipped, got - skipped));
                at += got - skipped;
            }
            return at;
        }
    }

    private async Task<int> PieceAsync(Stream body, byte[] piece, CancellationTokenSource within, CancellationToken cancel)
    {
        within.CancelAfter(limits.StallTimeout);
        try
        {
            return await body.ReadAsync(piece, within.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"no byte for {limits.StallTimeout.TotalSeconds:0} s");
        }
    }

    private async Task<(HostClient, HttpResponseMessage)> OpenAsync(long at, CancellationToken cancel) =>
        await Servers.FirstOfAsync(servers, server => server.SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, server.At(path));
            if (at > 0) request.Headers.Range = new RangeHeaderValue(at, null);
            return request;
        }, scope, cancel));

    // A server without ranges sends all of it again.
    private static long SkippedBy(HttpResponseMessage answer, long offset) => answer.StatusCode switch
    {
        HttpStatusCode.PartialContent when answer.Content.Headers.ContentRange is { From: var from } && from == offset => 0,
        HttpStatusCode.PartialContent => throw new IOException($"it was asked for bytes from {offset}, and sent others"),
        _ => offset,
    };
}
