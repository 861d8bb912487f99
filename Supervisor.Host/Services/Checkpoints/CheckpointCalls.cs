using System.Collections.Immutable;
using System.Security.Cryptography;
using Containerd.Runc.V1;
using Containerd.Services.Tasks.V1;
using Containerd.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Services.Storage;
using Supervisor.Storage.Checkpoints;
using Supervisor.Storage.Content;

namespace Supervisor.Host.Services.Checkpoints;

/// <summary>Checkpoints between clients and tasks: unpacks images from content, and stores them into it.</summary>
public sealed class CheckpointCalls(StorageCalls storage, NamespaceRegistry namespaces, TimeProvider clock)
{
    /// <summary>A tar of criu's images.</summary>
    public const string ImagesType = "application/vnd.containerd.container.criu.checkpoint.criu.tar";

    /// <summary>The container's spec, as in its record.</summary>
    public const string SpecType = "application/vnd.containerd.container.checkpoint.config.v1+proto";

    private static readonly string[] CgroupModes = ["", "none", "props", "soft", "full", "strict", "ignore"];
    private static readonly string[] Namespaces = ["network", "ipc", "mount", "pid", "user", "uts", "cgroup", "time"];

    /// <summary>The checkpoint that a create restores; null for a new task. Content is unpacked when this returns.</summary>
    /// <exception cref="RpcException">NOT_FOUND: there is no such content. INVALID_ARGUMENT: it is not a checkpoint.</exception>
    public async Task<RestoreSource?> SourceAsync(CreateTaskRequest request, ServerCallContext context)
    {
        var options = Options<Options>(request.Options, foreign: true);
        var work = AbsoluteOrEmpty(options.CriuWorkPath, "options.criu_work_path");
        if (request.Checkpoint is { Digest.Length: > 0 } descriptor) return await UnpackAsync(descriptor, work, context);
        var images = AbsoluteOrEmpty(options.CriuImagePath, "options.criu_image_path");
        if (images.Length == 0) return null;
        if (!Directory.Exists(images))
            throw new InvalidFieldException("options.criu_image_path", $"\"{images}\" is not a directory");
        return new RestoreSource(images, work, "");
    }

    /// <summary>The create was refused: removes what was unpacked for it.</summary>
    public async Task DiscardAsync(RestoreSource? source)
    {
        if (source is not { Owned.Length: > 0 }) return;
        await RemoveAsync(new CheckpointDirectory(source.Owned));
    }

    /// <summary>Writes a task's processes to files, and these to content if the client named no directory.</summary>
    /// <param name="ask">Sends the command to the task; returns when the files are written, throws its refusal.</param>
    public async Task<CheckpointTaskResponse> WriteAsync(
        CheckpointTaskRequest request, ContainerView container, Func<CheckpointRequest, Task> ask, ServerCallContext context)
    {
        var options = Options<CheckpointOptions>(request.Options, foreign: false);
        if (request.ParentCheckpoint.Length > 0)
            throw new InvalidFieldException(
                "parent_checkpoint",
                "a checkpoint in content has no parent: write both to directories, and name the first by options.parent_path");
        var order = Order(options);
        if (order.Images.Length > 0)
        {
            await ask(order);
            return new CheckpointTaskResponse();
        }
        var @namespace = context.RequireNamespace();
        await namespaces.EnsureAsync(@namespace, context);
        storage.CheckLease(context);
        var files = storage.Files;
        var directory = await files.Workers.RunAsync(
            "make a directory for a checkpoint", _ => files.Checkpoints.New(), files.Limits.Deadline, context.CancellationToken);
        try
        {
            await ask(order with {
                Images = directory.Images, Work = order.Work.Length > 0 ? order.Work : directory.Work, IsContent = true });
            var images = await StoreAsync(
                ImagesType, (ingest, cancel) =>
                    CheckpointArchive.Pack(directory.Images, ingest, files.Limits, clock, cancel), context);
            var spec = await StoreAsync(
                SpecType, (ingest, _) =>
                    ingest.Append((container.Record.Spec ?? new Any()).ToByteArray(), clock.GetUtcNow()), context);
            return new CheckpointTaskResponse { Descriptors = { images, spec } };
        }
        finally
        {
            await RemoveAsync(directory);
        }
    }

    private async Task<RestoreSource> UnpackAsync(
        Containerd.Types.ContentDescriptor descriptor, string work, ServerCallContext context)
    {
        var digest = Digest.Parse(descriptor.Digest).Text;
        if (descriptor.MediaType is not (ImagesType or ""))
            throw new InvalidFieldException(
                "checkpoint.media_type", $"\"{descriptor.MediaType}\" is not a checkpoint ({ImagesType})");
        var blob = storage.State.Blobs.GetValueOrDefault(new BlobKey(context.RequireNamespace(), digest))
            ?? throw NoContent(digest);
        var files = storage.Files;
        var directory = await files.Workers.RunAsync("unpack a checkpoint", cancel =>
        {
            using var file = files.Content.TryOpen(blob.File) ?? throw NoContent(digest);
            var made = files.Checkpoints.New();
            try
            {
                CheckpointArchive.Unpack(file, made.Images, files.Limits, cancel);
                return made;
            }
            catch
            {
                made.Remove();
                throw;
            }
        }, files.Limits.LayerDeadline, context.CancellationToken);
        return new RestoreSource(directory.Images, work.Length > 0 ? work : directory.Work, directory.Path);
    }

    /// <summary>If the content exists already, that is used.</summary>
    private async Task<ContentDescriptor> StoreAsync(
        string mediaType, Action<Ingest, CancellationToken> write, ServerCallContext context)
    {
        var (@namespace, files) = (context.RequireNamespace(), storage.Files);
        var reference = $"checkpoint-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}";
        var blob = await files.Workers.RunAsync("store a checkpoint", cancel =>
        {
            using var ingest = files.Content.Open(@namespace, reference, 0, null, clock.GetUtcNow(), cancel);
            try
            {
                write(ingest, cancel);
                return ingest.Publish(0, null);
            }
            catch
            {
                ingest.Forget();
                throw;
            }
        }, files.Limits.LayerDeadline, context.CancellationToken);
        await storage.RecordAsync(blob, ImmutableSortedDictionary<string, string>.Empty, storage.CallerOf(context));
        return new ContentDescriptor { MediaType = mediaType, Digest = blob.Digest.Text, Size = blob.Size };
    }

    private async Task RemoveAsync(CheckpointDirectory directory)
    {
        var files = storage.Files;
        await files.Workers.RunAsync("remove a checkpoint's files", _ => directory.Remove(), files.Limits.LayerDeadline);
    }

    private static CheckpointRequest Order(CheckpointOptions options)
    {
        if (Array.IndexOf(CgroupModes, options.CgroupsMode) < 0)
            throw new InvalidFieldException(
                "options.cgroups_mode", $"\"{options.CgroupsMode}\" is none of {string.Join(", ", CgroupModes.Skip(1))}");
        if (options.EmptyNamespaces.FirstOrDefault(n => Array.IndexOf(Namespaces, n) < 0) is { } unknown)
            throw new InvalidFieldException(
                "options.empty_namespaces", $"\"{unknown}\" is none of {string.Join(", ", Namespaces)}");
        var images = AbsoluteOrEmpty(options.ImagePath, "options.image_path");
        if (options.ParentPath.Length > 0 && images.Length == 0)
            throw new InvalidFieldException(
                "options.parent_path", "needs options.image_path: the images refer to it by a relative path");
        var parent = Path.IsPathRooted(options.ParentPath)
            ? Path.GetRelativePath(images, options.ParentPath) : options.ParentPath;
        return new CheckpointRequest(images, AbsoluteOrEmpty(options.WorkPath, "options.work_path"), parent, options.Exit)
        {
            OpenTcp = options.OpenTcp, ExternalUnixSockets = options.ExternalUnixSockets, Terminal = options.Terminal,
            FileLocks = options.FileLocks,
            EmptyNamespaces = [.. options.EmptyNamespaces], CgroupsMode = options.CgroupsMode,
        };
    }

    private static string AbsoluteOrEmpty(string path, string field) =>
        path.Length == 0 || Path.IsPathRooted(path) && !path.Contains('\0', StringComparison.Ordinal)
        ? path
        : throw new InvalidFieldException(
            field, $"\"{path}\" must be an absolute path: the daemon's working directory is not the client's");

    /// <summary>Missing options are the defaults.</summary>
    /// <param name="foreign">Options of another type also count as the defaults.</param>
    private static T Options<T>(Any? options, bool foreign) where T : IMessage<T>, new()
    {
        var message = new T();
        if (options is null || options.TypeUrl.Length == 0) return message;
        if (options.TypeUrl[(options.TypeUrl.LastIndexOf('/') + 1)..] != message.Descriptor.FullName)
            return foreign ? message
                : throw new InvalidFieldException("options", $"a {options.TypeUrl}, and not a {message.Descriptor.FullName}");
        try
        {
            message.MergeFrom(options.Value);
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidFieldException("options", $"no {message.Descriptor.FullName}: {e.Message}");
        }
    }

    private static RpcException NoContent(string digest) =>
        GrpcTranslation.Refuse(StatusCode.NotFound, $"checkpoint: content digest {digest}: not found");
}
