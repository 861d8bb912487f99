using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Containerd.Types.Transfer;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;
using Supervisor.Storage;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Fetches one image: documents from the top down, layers several at a time, each unpacked while later ones
/// load.</summary>
internal sealed class ImageFetch : IAsyncDisposable
{
    private const int AtOnce = 3; // docker's default
    private const string SourceLabel = "containerd.io/distribution.source.";

    private readonly RegistryClient _client;
    private readonly ImageName _name;
    private readonly ImageStore _wanted;
    private readonly ImageContent _content;
    private readonly ImageUnpacking _unpacking;
    private readonly TransferProgress _progress;
    private readonly StorageCaller _caller;
    private readonly CancellationTokenSource _failed;
    private readonly SemaphoreSlim _slots = new(AtOnce, AtOnce);
    private readonly Dictionary<string, Task> _downloads = new(StringComparer.Ordinal);
    private ExceptionDispatchInfo? _failure;

    internal ImageFetch(
        RegistryClient client, ImageName name, ImageStore wanted, ImageContent content, ImageUnpacking unpacking,
        TransferProgress progress, StorageCaller caller)
    {
        (_client, _name, _wanted, _content, _unpacking, _progress) = (client, name, wanted, content, unpacking, progress);
        _failed = CancellationTokenSource.CreateLinkedTokenSource(caller.Cancel);
        _caller = caller with { Cancel = _failed.Token };
    }

    /// <summary>Returns when all of it is in the store, and unpacked.</summary>
    internal async Task RunAsync(Descriptor image)
    {
        var platforms = ImageNaming.Platforms(_wanted.Platforms);
        try
        {
            await FetchDocumentAsync(image, platforms, _name.ToString(), 0);
            await Task.WhenAll(_downloads.Values);
        }
        catch (OperationCanceledException) when (_failure is not null)
        {
            _failure.Throw(); // the cause, not what it cancelled
        }
    }

    /// <summary>What still loads after a failure ends before this returns.</summary>
    public async ValueTask DisposeAsync()
    {
        await _failed.CancelAsync();
        await Task.WhenAll(_downloads.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _failed.Dispose();
        _slots.Dispose();
    }

    private async Task FetchDocumentAsync(Descriptor document, IReadOnlyList<Platform> platforms, string parent, int depth)
    {
        if (depth > ImageParts.DeepestIndex) throw ImageParts.TooDeep(document);
        _progress.Wait(document, parent);
        var isHere = _content.Find(document.Digest, _caller) is not null;
        var bytes = isHere ? await _content.ReadAsync(document, _caller)
            : await _client.ReadManifestAsync(document, _caller.Cancel);
        var parts = ImageParts.Of(document, bytes);
        await _content.StoreAsync(document, bytes, Source.SetItems(ImageParts.Labels(document, parts)), _caller);
        if (isHere) _progress.Exists(document);
        else _progress.Complete(document);
        var name = TransferProgress.NameOf(document);
        if (MediaTypes.IsIndex(document.MediaType))
        {
            foreach (var manifest in ImageParts.Chosen(document, parts, platforms, (int)_wanted.ManifestLimit))
                await FetchDocumentAsync(manifest, platforms, name, depth + 1);
            return;
        }
        if (!MediaTypes.IsManifest(document.MediaType))
            throw new RegistryException(
                RegistryFault.InvalidArgument, $"{_name} is a \"{document.MediaType}\", neither a manifest nor an index");
        var layers = parts.Skip(1).ToList();
        foreach (var layer in layers.Where(l => !MediaTypes.IsForeign(l.MediaType))) _ = DownloadAsync(layer, name);
        await DownloadAsync(parts[0], name);
        await UnpackAsync(document, parts[0], layers, name);
    }

    private async Task UnpackAsync(Descriptor manifest, Descriptor config, List<Descriptor> layers, string name)
    {
        if (_wanted.Unpacks.Count == 0 || config.MediaType is not (MediaTypes.Config or MediaTypes.DockerConfig)) return;
        // A manifest without an index says its platform in its configuration alone.
        var platform = manifest.Platform ?? ImagePlatform.Of(await _content.ReadAsync(config, _caller), config.Digest);
        foreach (var unpack in _wanted.Unpacks.Where(u => ImageNaming.Of(u.Platform).Score(platform) > 0))
            await _unpacking.RunAsync(config, layers, l => DownloadAsync(l, name), unpack.Snapshotter, _progress, _caller);
    }

    // One download for each digest, however often the image has it.
    private Task DownloadAsync(Descriptor blob, string parent)
    {
        if (_downloads.TryGetValue(blob.Digest, out var begun)) return begun;
        return _downloads[blob.Digest] = LoadAsync(blob, parent);
    }

    private async Task LoadAsync(Descriptor blob, string parent)
    {
        _progress.Wait(blob, parent);
        await _slots.WaitAsync(_caller.Cancel);
        try
        {
            if (await TryLoadAsync(blob)) _progress.Complete(blob);
            else _progress.Exists(blob);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
            await _failed.CancelAsync(); // the image cannot be complete: the others need not load
            throw;
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<bool> TryLoadAsync(Descriptor blob)
    {
        try
        {
            return await OnceAsync();
        }
        catch (StorageException e) when (e.Fault is StorageFault.FailedPrecondition)
        {
            // What an earlier transfer had left may have been wrong: once more, from the start.
            try
            {
                return await OnceAsync();
            }
            catch (StorageException wrong) when (wrong.Fault is StorageFault.FailedPrecondition)
            {
                throw new RegistryException(RegistryFault.DataLoss, $"{_name.Location}: {blob.Digest}: {wrong.Message}", wrong);
            }
        }

        Task<bool> OnceAsync() => _content.WriteAsync(blob, Source, async (at, append) =>
            await _client.ReadBlobAsync(blob, at, async piece =>
            {
                await append(piece);
                _progress.Move("downloading", blob, at += piece.Length);
            }, _caller.Cancel), _caller);
    }

    // Where a push may take it from without its bytes.
    private ImmutableSortedDictionary<string, string> Source => ImmutableSortedDictionary<string, string>.Empty
        .WithComparers(StringComparer.Ordinal).Add(SourceLabel + _name.Host, _name.Repository);
}
