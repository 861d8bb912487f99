using Google.Protobuf;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Host.Services.Storage;
using Supervisor.Kernel;
using Supervisor.Storage;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;
using Supervisor.V1;
using FilesBase = Supervisor.V1.Files.FilesBase;

namespace Supervisor.Host.Services.Files;

/// <summary>supervisor.v1.Files: copies between containers and clients. No actor is asked or waits.</summary>
public sealed class FilesService(SupervisorSystem system, StorageCalls storage, ContainerRoots roots, CopyThreads threads)
    : FilesBase
{
    private const int Batch = 500;

    /// <inheritdoc/>
    public override Task Read(
        ReadFilesRequest request, IServerStreamWriter<ReadFilesResponse> responseStream, ServerCallContext context)
    {
        var container = Find(request.Id, context);
        return CopyAsync($"copy from container {request.Id}", progress =>
        {
            using var root = roots.Open(container, forWriting: false);
            using var place = TreePlace.Find(root.Directory, RawName.Of(request.Path), request.Follow);
            if (place.Status is not { } status) throw NoSuch(request);
            if (place.IsDirectoryPath && !status.IsDirectory)
                throw new InvalidFieldException("path", $"\"{request.Path}\" is not a directory");
            var name = place.IsContents ? "." : RawName.Of(request.Path.TrimEnd('/').Split('/')[^1]);
            var facts = new FileFacts {
                Name = RawName.ToText(name), Directory = status.IsDirectory, Contents = place.IsContents };
            responseStream.WriteAsync(new ReadFilesResponse { File = facts }, progress.Token).GetAwaiter().GetResult();
            using var output = new ResponseStream<ReadFilesResponse>(
                responseStream, data => new ReadFilesResponse { Data = data }, progress);
            new TreeArchive(output, root.Ids, crossMounts: true, progress.Token).Write(place, place.IsContents, name);
            output.Flush();
            return true;
        }, context);
    }

    /// <inheritdoc/>
    public override async Task<WriteFilesResponse> Write(
        IAsyncStreamReader<WriteFilesRequest> requestStream, ServerCallContext context)
    {
        if (!await requestStream.MoveNext(context.CancellationToken) || requestStream.Current.Id.Length == 0)
            throw new InvalidFieldException("id", "the first message names the container");
        var request = requestStream.Current;
        var container = Find(request.Id, context);
        if (request.Path.Length == 0) throw new InvalidFieldException("path", "is missing: where to copy to");
        if (!request.Data.IsEmpty) throw new InvalidFieldException("data", "comes after the first message");
        var source = request.File is { } file
            ? new CopySource(RawName.Of(file.Contents ? "contents" : file.Name), file.Directory, file.Contents) : null;
        return await CopyAsync($"copy to container {request.Id}", progress =>
        {
            using var root = roots.Open(container, forWriting: true);
            using var target = CopyTarget.Choose(root.Directory, RawName.Of(request.Path), source);
            using var tar = new RequestStream<WriteFilesRequest>(requestStream, Data, progress);
            try
            {
                using var extraction = new TreeExtraction(target, new ExtractionOptions
                {
                    KeepsOwners = request.KeepOwners, Owner = root.Ids.ToOutside(0, 0), Ids = root.Ids,
                    IsRoot = request.Path.All(c => c is '/' or '.'), MostEntries = storage.Files.Limits.LayerEntries,
                }, progress.Token);
                var size = extraction.Extract(tar);
                while (requestStream.MoveNext(progress.Token).GetAwaiter().GetResult()) progress.Made(); // padding of the tar
                target.Complete();
                return new WriteFilesResponse { Size = size };
            }
            catch
            {
                target.Abandon();
                throw;
            }
        }, context);
    }

    /// <inheritdoc/>
    public override Task Export(
        ExportRequest request, IServerStreamWriter<ExportResponse> responseStream, ServerCallContext context)
    {
        var container = Find(request.Id, context);
        return CopyAsync($"export container {request.Id}", progress =>
        {
            using var root = roots.FileSystemOf(container).Open();
            using var place = TreePlace.Find(root, "/", follow: false);
            using var output = new ResponseStream<ExportResponse>(
                responseStream, data => new ExportResponse { Data = data }, progress);
            new TreeArchive(output, ContainerRoots.IdsOf(container), crossMounts: false, progress.Token)
                .Write(place, contents: true, ".");
            output.Flush();
            return true;
        }, context);
    }

    /// <inheritdoc/>
    public override async Task Changes(
        ChangesRequest request, IServerStreamWriter<ChangesResponse> responseStream, ServerCallContext context)
    {
        var container = Find(request.Id, context);
        var files = roots.FileSystemOf(container);
        if (!files.IsLayered)
            throw ContainerRoots.Refused(
                container, "its root is a directory that it writes to itself, not an overlay: there is no earlier state of it to "
                    + "compare with; \"export\" writes all of it");
        if (!files.HasLayer) return; // a read-only overlay
        var changes = await MeasureAsync($"compare the files of container {request.Id}", cancel =>
        {
            using var before = files.OpenBelow();
            using var now = files.Open();
            return TreeChanges.Between(before, now, cancel);
        }, context);
        foreach (var batch in changes.Chunk(Batch))
            await responseStream.WriteAsync(
                new ChangesResponse { Changes = { batch.Select(Message) } }, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<UsageResponse> Usage(UsageRequest request, ServerCallContext context)
    {
        var container = Find(request.Id, context);
        var files = roots.FileSystemOf(container);
        if (!files.HasLayer) return Task.FromResult(new UsageResponse());
        return MeasureAsync($"measure container {request.Id}", cancel =>
        {
            var layer = files.LayerUsage(cancel).Size;
            return new UsageResponse
            {
                HasLayer = true, LayerSize = layer,
                TotalSize = layer + (roots.SizeBelow(container) ?? files.UsageBelow(cancel)),
            };
        }, context);
    }

    private Task<T> MeasureAsync<T>(string what, Func<CancellationToken, T> work, ServerCallContext context) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.LayerDeadline, context.CancellationToken);

    private static FileChange Message((ChangeKind Kind, string Path) change) => new()
    {
        Kind = change.Kind switch
        {
            ChangeKind.Added => FileChange.Types.Kind.Added,
            ChangeKind.Deleted => FileChange.Types.Kind.Deleted,
            _ => FileChange.Types.Kind.Modified,
        },
        Path = ByteString.CopyFrom(change.Path, System.Text.Encoding.Latin1),
    };

    private ContainerView Find(string id, ServerCallContext context) => system.Directory.Get(context.ContainerId(id, "id"));

    /// <summary>Runs a copy; what the kernel refuses is not a fault of the daemon.</summary>
    private Task<T> CopyAsync<T>(string what, Func<CopyProgress, T> work, ServerCallContext context) =>
        threads.RunAsync(what, progress =>
        {
            try
            {
                return work(progress);
            }
            catch (SyscallException e)
            {
                throw new StorageException(StorageFault.FailedPrecondition, $"cannot {what}: {e.Message}");
            }
        }, context);

    private static ByteString Data(WriteFilesRequest request) =>
        request.Id.Length == 0 && request.Path.Length == 0 && request.File is null && !request.KeepOwners
            ? request.Data : throw new InvalidFieldException("data", "messages after the first one have only data");

    private static RpcException NoSuch(ReadFilesRequest request) => GrpcTranslation.Refuse(
        StatusCode.NotFound, $"\"{request.Path}\": no such file or directory in container {request.Id}");
}
