using System.Collections.Immutable;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry.Manifests;
using Supervisor.Storage;
using Supervisor.Storage.Content;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Blobs of images in the content store: read whole, written from bytes or as they arrive.</summary>
public sealed class ImageContent(StorageCalls storage, TimeProvider clock)
{
    /// <summary>Bytes of a manifest or a configuration.</summary>
    public const int LargestDocument = 8 << 20;

    private const int PieceSize = 256 * 1024;

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(100);

    /// <summary>The record of a blob; null if there is none.</summary>
    public BlobRecord? Find(string digest, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return storage.State.Blobs.GetValueOrDefault(new BlobKey(caller.Namespace, digest));
    }

    /// <summary>A manifest, an index or a configuration.</summary>
    /// <exception cref="RpcException">NOT_FOUND: it is not here. RESOURCE_EXHAUSTED: it is too large for a document.</exception>
    public async Task<byte[]> ReadAsync(Descriptor document, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(document);
        var blob = Find(document.Digest, caller) ?? throw Missing(document.Digest);
        if (blob.Size > LargestDocument)
            throw GrpcTranslation.Refuse(
                StatusCode.ResourceExhausted,
                    $"{document.Digest} has {blob.Size} bytes, a document has at most {LargestDocument}");
        return await RunAsync("read a blob", _ =>
        {
            using var file = storage.Files.Content.TryOpen(blob.File) ?? throw Missing(document.Digest);
            var bytes = new byte[blob.Size];
            for (int at = 0, got; at < bytes.Length; at += got)
                if ((got = RandomAccess.Read(file, bytes.AsSpan(at), at)) == 0)
                    throw new StorageException(StorageFault.FailedPrecondition,
                        $"{document.Digest} ends at {at} of {bytes.Length} bytes");
            return bytes;
        }, caller);
    }

    /// <summary>A blob as a stream, which blocks: read it on a storage thread, or in small pieces.</summary>
    /// <exception cref="RpcException">NOT_FOUND: it is not here.</exception>
    public Stream Open(Descriptor blob, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(blob);
        var record = Find(blob.Digest, caller) ?? throw Missing(blob.Digest);
        var file = storage.Files.Content.TryOpen(record.File) ?? throw Missing(blob.Digest);
        return new FileStream(file, FileAccess.Read, bufferSize: 0, isAsync: false);
    }

    /// <summary>Keeps a document under its digest, with labels. One that is here already gets the labels.</summary>
    public async Task StoreAsync(
        Descriptor document, ReadOnlyMemory<byte> bytes, ImmutableSortedDictionary<string, string> labels,
            StorageCaller caller) =>
        await WriteAsync(document, labels, (_, append) => append(bytes), caller);

    /// <summary>Writes a blob that is not here yet, resuming what an earlier transfer has left.</summary>
    /// <param name="blob">Its size may be 0: unknown.</param>
    /// <param name="labels">It gets these, also when it is here already.</param>
    /// <param name="write">Given the bytes that are here, appends the others.</param>
    /// <returns>Whether it was written; false: it was here.</returns>
    /// <exception cref="StorageException">FailedPrecondition: size or digest differ. What was written is removed.</exception>
    public async Task<bool> WriteAsync(
        Descriptor blob, ImmutableSortedDictionary<string, string> labels,
        Func<long, Func<ReadOnlyMemory<byte>, ValueTask>, ValueTask> write, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(blob);
        var key = new BlobKey(caller.Namespace, Digest.Parse(blob.Digest).Text);
        var ingest = await OpenAsync(blob, key, labels, caller);
        if (ingest is null) return false;
        try
        {
            await write(ingest.Offset, async piece => await RunAsync("write to an ingest", _ =>
            {
                ingest.Append(piece.Span, clock.GetUtcNow());
                return true;
            }, caller));
            var stored = await RunAsync("commit an ingest", _ =>
            {
                try
                {
                    return ingest.Publish(blob.Size, Digest.Parse(blob.Digest));
                }
                catch (StorageException)
                {
                    ingest.Forget(); // wrong bytes are of no use to a later transfer
                    throw;
                }
            }, caller);
            await storage.RecordAsync(stored, labels, caller); // before others may write it
            return true;
        }
        finally
        {
            await storage.Files.Workers.RunAsync("close an ingest", _ => ingest.Dispose(), storage.Files.Limits.Deadline);
        }
    }

    /// <summary>Writes bytes whose digest is not known before.</summary>
    /// <param name="reference">A name for the ingest, which nothing else has.</param>
    public async Task<StoredBlob> AddAsync(Stream bytes, string reference, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(caller);
        var ingest = await RunAsync("open an ingest", cancel => storage.Files.Content.Open(
            caller.Namespace, reference, 0, null, clock.GetUtcNow(), cancel), caller);
        StoredBlob stored;
        try
        {
            var piece = new byte[PieceSize];
            while (await bytes.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, caller.Cancel) is > 0 and var got)
                await RunAsync("write to an ingest", _ =>
                {
                    ingest.Append(piece.AsSpan(0, got), clock.GetUtcNow());
                    return true;
                }, caller);
            stored = await RunAsync("commit an ingest", _ => ingest.Publish(0, null), caller);
        }
        catch
        {
            await storage.Files.Workers.RunAsync("abort an ingest", _ => ingest.Forget(), storage.Files.Limits.Deadline);
            throw;
        }
        finally
        {
            await storage.Files.Workers.RunAsync("close an ingest", _ => ingest.Dispose(), storage.Files.Limits.Deadline);
        }
        await storage.RecordAsync(stored, ImmutableSortedDictionary<string, string>.Empty, caller);
        return stored;
    }

    /// <summary>Adds labels to a blob that is here.</summary>
    public Task LabelAsync(string digest, ImmutableSortedDictionary<string, string> labels, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return storage.LabelAsync(new BlobKey(caller.Namespace, digest), labels, caller);
    }

    // While another transfer writes the same blob, this one waits for it: both need it, and it is loaded once.
    private async Task<Ingest?> OpenAsync(
        Descriptor blob, BlobKey key, ImmutableSortedDictionary<string, string> labels, StorageCaller caller)
    {
        while (true)
        {
            await storage.PinAsync("content", key.Digest, caller);
            if (storage.State.Blobs.ContainsKey(key))
            {
                await storage.LabelAsync(key, labels, caller);
                return null;
            }
            try
            {
                var ingest = await RunAsync("open an ingest", cancel => storage.Files.Content.Open(
                    caller.Namespace, TransferProgress.NameOf(blob), blob.Size, Digest.Parse(blob.Digest), clock.GetUtcNow(),
                        cancel),
                    caller);
                if (!storage.State.Blobs.ContainsKey(key)) return ingest;
                await storage.Files.Workers.RunAsync("abort an ingest", _ =>
                {
                    using (ingest) ingest.Forget(); // it was recorded while this one waited
                }, storage.Files.Limits.Deadline);
            }
            catch (StorageException e) when (e.Fault is StorageFault.Unavailable)
            {
                await Task.Delay(Retry, clock, caller.Cancel);
            }
        }
    }

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work, StorageCaller caller) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.Deadline, caller.Cancel);

    private static RpcException Missing(string digest) =>
        GrpcTranslation.Refuse(StatusCode.NotFound, $"content digest {digest}: not found");
}
