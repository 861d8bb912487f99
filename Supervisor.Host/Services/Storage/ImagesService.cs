using System.Collections.Immutable;
using Containerd.Services.Images.V1;
using Containerd.Types;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Host.Filters;

namespace Supervisor.Host.Services.Storage;

/// <summary>containerd.services.images.v1: names for manifests. Reads ask no actor.</summary>
public sealed class ImagesService(StorageCalls storage, NamespaceRegistry namespaces) : Images.ImagesBase
{
    private const int MaximumName = 4096;

    /// <inheritdoc/>
    public override Task<GetImageResponse> Get(GetImageRequest request, ServerCallContext context)
    {
        var key = new ImageKey(context.RequireNamespace(), request.Name);
        return storage.State.Images.TryGetValue(key, out var image)
            ? Task.FromResult(new GetImageResponse { Image = Message(image) })
            : throw NoImage(request.Name);
    }

    /// <inheritdoc/>
    public override Task<ListImagesResponse> List(ListImagesRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var filters = FilterSet.Parse(request.Filters);
        var images = storage.State.Images.Values.Where(i => i.Namespace == @namespace && filters.Matches(RecordFields.Of(i)))
            .OrderBy(i => i.Name, StringComparer.Ordinal);
        return Task.FromResult(new ListImagesResponse { Images = { images.Select(Message) } });
    }

    /// <inheritdoc/>
    public override async Task<CreateImageResponse> Create(CreateImageRequest request, ServerCallContext context)
    {
        var record = Checked(request.Image, context);
        if (MetadataMachine.TargetFault(record.MediaType, record.Digest, record.Size) is { } fault)
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, fault);
        await namespaces.EnsureAsync(record.Namespace, context);
        var state = await storage.AskAsync(new MetadataCommand.CreateImage(record, storage.Now), context);
        return new CreateImageResponse { Image = Message(state.Images[record.Key]) };
    }

    /// <inheritdoc/>
    public override async Task<UpdateImageResponse> Update(UpdateImageRequest request, ServerCallContext context)
    {
        var record = Checked(request.Image, context);
        var state = await storage.AskAsync(
            new MetadataCommand.UpdateImage(record, [.. request.UpdateMask?.Paths ?? []], storage.Now), context);
        storage.CollectSoon();
        return new UpdateImageResponse { Image = Message(state.Images[record.Key]) };
    }

    /// <summary>With <c>sync</c>, it replies after what only this image kept is removed from disk.</summary>
    public override async Task<Empty> Delete(DeleteImageRequest request, ServerCallContext context)
    {
        var key = new ImageKey(context.RequireNamespace(), request.Name);
        await storage.AskAsync(new MetadataCommand.DeleteImage(key, storage.Now), context);
        if (request.Sync) await storage.CollectAsync(context);
        else storage.CollectSoon();
        return new Empty();
    }

    private static ImageRecord Checked(Image? image, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        if (string.IsNullOrEmpty(image?.Name)) throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "Image.Name required");
        if (image.Name.Length > MaximumName)
            throw new InvalidFieldException(
                "image.name", $"{image.Name.Length} characters long, at most {MaximumName} are allowed");
        var target = image.Target ?? new ContentDescriptor();
        return new ImageRecord(
            @namespace, image.Name, image.Labels.ToLabels("image.labels", keepEmpty: true), target.MediaType, target.Digest,
            target.Size,
            target.Annotations.ToLabels("image.target.annotations"), default, default);
    }

    private static RpcException NoImage(string name) =>
        GrpcTranslation.Refuse(StatusCode.NotFound, $"image \"{name}\": not found");

    private static Image Message(ImageRecord r) => new()
    {
        Name = r.Name,
        Labels = { r.Labels },
        Target = new ContentDescriptor {
            MediaType = r.MediaType, Digest = r.Digest, Size = r.Size, Annotations = { r.Annotations } },
        CreatedAt = r.CreatedAt.ToTimestamp(),
        UpdatedAt = r.UpdatedAt.ToTimestamp(),
    };
}
