using Containerd.Services.Transfer.V1;
using Containerd.Types.Transfer;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;

namespace Supervisor.Host.Services.Transfer;

/// <summary>
/// containerd.services.transfer.v1: images between registries, archives and the store. The messages of source and destination say
/// what is done. Source: containerd, docs/transfer.md.
/// </summary>
public sealed class TransferService(
    ClientStreams streams, StorageCalls storage, NamespaceRegistry namespaces, TransferLeases leases, ImagePull pull,
        ImagePush push,
    ArchiveImport import, ArchiveExport export, ImageNaming naming)
    : Containerd.Services.Transfer.V1.Transfer.TransferBase
{
    /// <inheritdoc/>
    public override async Task<Empty> Transfer(TransferRequest request, ServerCallContext context)
    {
        var source = request.Source ?? throw new InvalidFieldException("source", "must be set");
        var destination = request.Destination ?? throw new InvalidFieldException("destination", "must be set");
        var @namespace = context.RequireNamespace();
        await namespaces.EnsureAsync(@namespace, context);
        using var progress = new TransferProgress(streams.TakeOrNone(@namespace, request.Options?.ProgressStream ?? ""));
        await leases.WithAsync(storage.CallerOf(context), async caller =>
        {
            if (source.Of<OCIRegistry>() is { } from && destination.Of<ImageStore>() is { } pulled)
                await pull.RunAsync(from, pulled, streams, progress, caller);
            else if (source.Of<ImageStore>() is { } pushed && destination.Of<OCIRegistry>() is { } to)
                await push.RunAsync(pushed, to, streams, progress, caller);
            else if (source.Of<ImageImportStream>() is { } archive && destination.Of<ImageStore>() is { } imported)
                await import.RunAsync(archive, imported, streams, progress, caller);
            else if (source.Of<ImageStore>() is { } exported && destination.Of<ImageExportStream>() is { } file)
                await export.RunAsync(exported, file, streams, progress, caller);
            else if (source.Of<ImageStore>() is { } old && destination.Of<ImageStore>() is { } name)
                await naming.TagAsync(old, name, progress, caller);
            else
                throw GrpcTranslation.Refuse(
                    StatusCode.Unimplemented, $"a transfer from {source.TypeUrl} to {destination.TypeUrl} is not implemented");
        });
        return new Empty();
    }
}

/// <summary>Which message an Any has.</summary>
internal static class TransferObjects
{
    /// <summary>The message; null if it is another.</summary>
    internal static T? Of<T>(this Any any) where T : class, Google.Protobuf.IMessage<T>, new() =>
        StreamMessages.TryUnpack<T>(any);
}
