using System.Security.Cryptography;
using Containerd.Services.Diff.V1;
using Containerd.Types;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Storage.Content;
using Supervisor.Storage.Layers;

namespace Supervisor.Host.Services.Storage;

/// <summary>containerd.services.diff.v1: applies layers to snapshots, and makes layers of them.</summary>
public sealed class DiffService(StorageCalls storage, NamespaceRegistry namespaces, TimeProvider clock) : Diff.DiffBase
{
    private const string UncompressedLabel = "containerd.io/uncompressed", DefaultMediaType = LayerCompression.Tar + "+gzip";

    /// <inheritdoc/>
    public override async Task<ApplyResponse> Apply(ApplyRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var descriptor = request.Diff ?? throw new Actors.Identity.InvalidFieldException("diff", "must be set");
        var digest = Digest.Parse(descriptor.Digest).Text;
        var blob = storage.State.Blobs.GetValueOrDefault(new BlobKey(@namespace, digest)) ?? throw NoContent(digest);
        var mounts = Mounts(request.Mounts);
        var files = storage.Files;
        var applied = await files.Workers.RunAsync("unpack a layer", cancel =>
        {
            using var file = files.Content.TryOpen(blob.File) ?? throw NoContent(digest);
            return LayerWork.Apply(file, descriptor.MediaType, mounts, request.SyncFs, files.Limits, cancel);
        }, files.Limits.LayerDeadline, context.CancellationToken);
        return new ApplyResponse {
            Applied = new ContentDescriptor { MediaType = LayerCompression.Tar, Digest = applied.Digest.Text,
            Size = applied.Size } };
    }

    /// <inheritdoc/>
    public override async Task<DiffResponse> Diff(DiffRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        await namespaces.EnsureAsync(@namespace, context);
        var mediaType = request.MediaType.Length > 0 ? request.MediaType : DefaultMediaType;
        var compressed = LayerCompression.IsCompressed(mediaType); // refuses an unknown type before any work
        var (left, right) = (Mounts(request.Left), Mounts(request.Right));
        var labels = request.Labels.ToLabels("labels");
        var reference = request.Ref.Length > 0
            ? request.Ref : $"diff-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}";
        storage.CheckLease(context);
        var files = storage.Files;
        var (blob, plain) = await files.Workers.RunAsync("compare two trees", cancel =>
        {
            using var ingest = files.Content.Open(@namespace, reference, 0, null, clock.GetUtcNow(), cancel);
            try
            {
                var digest = LayerWork.Diff(left, right, mediaType, ingest, files.Limits, clock, cancel);
                return (ingest.Publish(0, null), digest);
            }
            catch
            {
                ingest.Forget();
                throw;
            }
        }, files.Limits.LayerDeadline, context.CancellationToken);
        if (compressed) labels = labels.SetItem(UncompressedLabel, plain.Text);
        await storage.RecordAsync(blob, labels, storage.CallerOf(context));
        return new DiffResponse {
            Diff = new ContentDescriptor { MediaType = mediaType, Digest = blob.Digest.Text, Size = blob.Size } };
    }

    private static List<TreeMount> Mounts(IEnumerable<Mount> mounts) =>
        [.. mounts.Select(m => new TreeMount(m.Type, m.Source, [.. m.Options]))];

    private static RpcException NoContent(string digest) =>
        GrpcTranslation.Refuse(StatusCode.NotFound, $"content digest {digest}: not found");
}
