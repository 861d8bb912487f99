using Containerd.Services.Content.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Storage.Content;

namespace Supervisor.Host.Services.Storage;

/// <summary>One stream of <c>Content/Write</c>: an ingest, locked while the stream lasts, and kept if the stream ends
/// early.</summary>
internal sealed class WriteSession(
    StorageCalls storage, TimeProvider clock, string @namespace, string reference, ServerCallContext context) : IAsyncDisposable
{
    private Ingest? _ingest;
    private long _total;
    private Digest? _expected;

    /// <summary>Starts with the first message.</summary>
    public async Task BeginAsync(WriteContentRequest first)
    {
        await ExpectAsync(first);
        _ingest = await RunAsync(
            "open an ingest", cancel =>
                storage.Files.Content.Open(@namespace, reference, _total, _expected, clock.GetUtcNow(), cancel));
        if (_total == 0) _total = _ingest.Total;
        _expected ??= Digest.TryParse(_ingest.Expected);
    }

    /// <summary>Carries out one message.</summary>
    public async Task<WriteContentResponse> TakeAsync(WriteContentRequest request)
    {
        await ExpectAsync(request);
        var ingest = _ingest!;
        var answer = new WriteContentResponse { Action = request.Action, Total = _total, Offset = ingest.Offset,
            StartedAt = ingest.StartedAt.ToTimestamp() };
        if (request.Action is WriteAction.Stat)
        {
            answer.Digest = (await RunAsync("hash an ingest", _ => ingest.Digest)).Text;
            answer.UpdatedAt = ingest.UpdatedAt.ToTimestamp();
            return answer;
        }
        if (request.Offset > 0 && request.Offset != ingest.Offset)
            throw GrpcTranslation.Refuse(
                StatusCode.OutOfRange, $"write @{request.Offset} must occur at current offset {ingest.Offset}");
        answer.Digest = (await RunAsync("write to an ingest", _ =>
        {
            // An offset of zero starts over, in a commit too: containerd's clients rely on it.
            if (request.Offset == 0 && ingest.Offset > 0) ingest.Truncate(clock.GetUtcNow());
            if (request.Data.Length > 0) ingest.Append(request.Data.Span, clock.GetUtcNow());
            return ingest.Digest;
        })).Text;
        answer.Offset = ingest.Offset;
        answer.UpdatedAt = ingest.UpdatedAt.ToTimestamp();
        if (request.Action is WriteAction.Commit) answer.Digest = await CommitAsync(ingest, request);
        return answer;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ingest is { } ingest)
            await storage.Files.Workers.RunAsync("close an ingest", _ => ingest.Dispose(), storage.Files.Limits.Deadline);
    }

    /// <summary>Checks it, makes it a blob, and records that. A disconnect of the client no longer cancels it.</summary>
    private async Task<string> CommitAsync(Ingest ingest, WriteContentRequest request)
    {
        var labels = request.Labels.ToLabels("labels");
        var digest = _expected is null ? await RunAsync("hash an ingest", _ => ingest.Digest) : _expected.Value;
        await storage.PinAsync("content", digest.Text, context);
        var files = storage.Files;
        var blob = await files.Workers.RunAsync(
            "commit an ingest", _ => ingest.Publish(_total, _expected), files.Limits.Deadline);
        var key = new BlobKey(@namespace, blob.Digest.Text);
        var used = false;
        try
        {
            var state = await storage.AskAsync(
                new MetadataCommand.CommitContent(key, blob.Size, blob.File, labels, clock.GetUtcNow()), context);
            used = state.Blobs.GetValueOrDefault(key)?.File == blob.File;
        }
        catch (RpcException e) when (e.StatusCode is not StatusCode.AlreadyExists)
        {
            used = true; // the result is unknown: if it is not recorded, the next start removes it
            throw;
        }
        catch (Exception e) when (e is not RpcException)
        {
            used = true;
            throw;
        }
        finally
        {
            if (!used) await files.RemoveAsync([new Supervisor.Storage.Freed(blob.File, null, 0)]);
        }
        return blob.Digest.Text;
    }

    /// <summary>Takes the expected size and digest; if the digest exists already, there is nothing to write.</summary>
    private async Task ExpectAsync(WriteContentRequest request)
    {
        if (request.Total < 0) throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "total: must not be negative");
        if (request.Total > 0) _total = request.Total;
        if (request.Expected.Length == 0) return;
        _expected = Digest.Parse(request.Expected);
        if (!storage.State.Blobs.ContainsKey(new BlobKey(@namespace, request.Expected))) return;
        await storage.PinAsync("content", request.Expected, context);
        if (_ingest is { } ingest) await RunAsync("abort an ingest", _ => { ingest.Forget(); return true; });
        throw GrpcTranslation.Refuse(StatusCode.AlreadyExists, $"content {request.Expected}: already exists");
    }

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.Deadline, context.CancellationToken);
}
