using System.Buffers;
using Containerd.Services.Content.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Host.Filters;
using Supervisor.Storage.Content;
using ContentStatus = Containerd.Services.Content.V1.Status;

namespace Supervisor.Host.Services.Storage;

/// <summary>containerd.services.content.v1: blobs by digest. File I/O runs on the storage's threads.</summary>
public sealed class ContentService(StorageCalls storage, NamespaceRegistry namespaces, TimeProvider clock) : Content.ContentBase
{
    private const int ReadSize = 1 << 20, ListBatch = 100;

    /// <inheritdoc/>
    public override Task<InfoResponse> Info(InfoRequest request, ServerCallContext context) =>
        Task.FromResult(new InfoResponse { Info = Message(Find(request.Digest, context)) });

    /// <inheritdoc/>
    public override async Task<UpdateResponse> Update(UpdateRequest request, ServerCallContext context)
    {
        var key = Key(request.Info?.Digest ?? "", context);
        var labels = request.Info!.Labels.ToLabels("info.labels", keepEmpty: true);
        var state = await storage.AskAsync(
            new MetadataCommand.UpdateContent(key, labels, [.. request.UpdateMask?.Paths ?? []], storage.Now), context);
        return new UpdateResponse { Info = Message(state.Blobs[key]) };
    }

    /// <inheritdoc/>
    public override async Task List(
        ListContentRequest request, IServerStreamWriter<ListContentResponse> responseStream, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var filters = FilterSet.Parse(request.Filters);
        var blobs = storage.State.Blobs.Values.Where(b => b.Namespace == @namespace && filters.Matches(RecordFields.Of(b)))
            .OrderBy(b => b.Digest, StringComparer.Ordinal);
        foreach (var batch in blobs.Chunk(ListBatch))
            await responseStream.WriteAsync(
                new ListContentResponse { Info = { batch.Select(Message) } }, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Empty> Delete(DeleteContentRequest request, ServerCallContext context)
    {
        await storage.AskAsync(new MetadataCommand.DeleteContent(Key(request.Digest, context), storage.Now), context);
        storage.CollectSoon();
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task Read(
        ReadContentRequest request, IServerStreamWriter<ReadContentResponse> responseStream, ServerCallContext context)
    {
        var blob = Find(request.Digest, context);
        var (offset, size) = (request.Offset, request.Size);
        if (offset < 0 || size < 0)
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "offset and size must not be negative");
        if (offset > blob.Size) throw GrpcTranslation.Refuse(StatusCode.OutOfRange, $"read past object length {blob.Size} bytes");
        var end = size == 0 || size > blob.Size - offset ? blob.Size : offset + size;
        if (offset == end) return;
        using var file = await RunAsync("open a blob", _ => storage.Files.Content.TryOpen(blob.File), context)
            ?? throw NoContent(blob.Digest);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            while (offset < end)
            {
                var (at, length) = (offset, (int)Math.Min(end - offset, ReadSize));
                var got = await RunAsync("read a blob", _ => RandomAccess.Read(file, buffer.AsSpan(0, length), at), context);
                if (got == 0) throw GrpcTranslation.Refuse(
                    StatusCode.DataLoss, $"content {blob.Digest} ends at {at} of {blob.Size} bytes");
                await responseStream.WriteAsync(
                    new ReadContentResponse { Offset = at, Data = ByteString.CopyFrom(buffer, 0, got) },
                        context.CancellationToken);
                offset += got;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        try
        {
            return new StatusResponse { Status = Message(
                await RunAsync("look at an ingest", _ => storage.Files.Content.Status(@namespace, request.Ref), context)) };
        }
        catch (Supervisor.Storage.StorageException e) when (e.Fault is Supervisor.Storage.StorageFault.NotFound)
        {
            throw GrpcTranslation.Refuse(StatusCode.NotFound, $"could not get status for ref \"{request.Ref}\": {e.Message}");
        }
    }

    /// <inheritdoc/>
    public override async Task<ListStatusesResponse> ListStatuses(ListStatusesRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var filters = FilterSet.Parse(request.Filters);
        var statuses = await RunAsync("list ingests", _ => storage.Files.Content.Statuses(@namespace), context);
        return new ListStatusesResponse {
            Statuses = { statuses.Where(s => filters.Matches(RecordFields.Of(s))).Select(Message) } };
    }

    /// <inheritdoc/>
    public override async Task<Empty> Abort(AbortRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        await RunAsync("abort an ingest", _ => { storage.Files.Content.Abort(@namespace, request.Ref); return true; }, context);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task Write(
        IAsyncStreamReader<WriteContentRequest> requestStream, IServerStreamWriter<WriteContentResponse> responseStream,
            ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        if (!await requestStream.MoveNext(context.CancellationToken) || requestStream.Current.Ref.Length == 0)
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "first message must have a reference");
        await namespaces.EnsureAsync(@namespace, context);
        var reference = requestStream.Current.Ref;
        storage.CheckLease(context);
        await using var session = new WriteSession(storage, clock, @namespace, reference, context);
        await session.BeginAsync(requestStream.Current);
        do
        {
            var request = requestStream.Current;
            if (request.Ref.Length > 0 && request.Ref != reference)
                throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "ref: cannot change within one stream");
            var answer = await session.TakeAsync(request);
            await responseStream.WriteAsync(answer, context.CancellationToken);
            if (request.Action is WriteAction.Commit) return;
        }
        while (await requestStream.MoveNext(context.CancellationToken));
    }

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work, ServerCallContext context) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.Deadline, context.CancellationToken);

    private BlobRecord Find(string digest, ServerCallContext context) =>
        storage.State.Blobs.GetValueOrDefault(Key(digest, context)) ?? throw NoContent(digest);

    private static BlobKey Key(string digest, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        return new BlobKey(@namespace, Digest.Parse(digest).Text);
    }

    private static RpcException NoContent(string digest) =>
        GrpcTranslation.Refuse(StatusCode.NotFound, $"content digest {digest}: not found");

    private static Info Message(BlobRecord r) => new()
    {
        Digest = r.Digest,
        Size = r.Size,
        Labels = { r.Labels },
        CreatedAt = r.CreatedAt.ToTimestamp(),
        UpdatedAt = r.UpdatedAt.ToTimestamp(),
    };

    private static ContentStatus Message(IngestStatus s) => new()
    {
        Ref = s.Ref,
        Offset = s.Offset,
        Total = s.Total,
        Expected = s.Expected,
        StartedAt = s.StartedAt.ToTimestamp(),
        UpdatedAt = s.UpdatedAt.ToTimestamp(),
    };
}
