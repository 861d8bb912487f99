using System.Formats.Tar;
using Grpc.Core;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry.Manifests;
using Supervisor.Storage;

namespace Supervisor.Host.Services.Transfer;

/// <summary>The files of an archive of images: documents in memory, all others as blobs in the store.</summary>
internal sealed class ArchiveFiles
{
    private const int MostEntries = 20_000, LongestChain = 10;
    private static readonly string[] Documents = ["index.json", "manifest.json", "oci-layout"];

    private readonly Dictionary<string, byte[]> _documents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Descriptor> _blobs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);

    /// <summary>Reads an archive to its end.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is not a tar, or a blob has not the digest of its name.</exception>
    internal static async Task<ArchiveFiles> ReadAsync(
        Stream archive, ImageContent content, TransferProgress progress, StorageCaller caller)
    {
        var files = new ArchiveFiles();
        try
        {
            await using var tar = new TarReader(archive, leaveOpen: true);
            for (var entries = 0; await tar.GetNextEntryAsync(copyData: false, caller.Cancel) is { } entry; entries++)
            {
                if (entries >= MostEntries)
                    throw GrpcTranslation.Refuse(StatusCode.ResourceExhausted,
                        $"the archive has more than {MostEntries} entries");
                await files.TakeAsync(entry, entries, content, progress, caller);
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, $"the archive is not a tar of images: {e.Message}");
        }
        return files;
    }

    /// <summary>A document; null if the archive has none of this name.</summary>
    internal byte[]? Document(string name) => _documents.GetValueOrDefault(name);

    /// <summary>The blob of a file, links followed; null if there is none.</summary>
    internal Descriptor? Blob(string name)
    {
        name = Normal(name);
        for (var i = 0; i < LongestChain && _links.TryGetValue(name, out var target); i++) name = target;
        return _blobs.GetValueOrDefault(name);
    }

    private async Task TakeAsync(
        TarEntry entry, int number, ImageContent content, TransferProgress progress, StorageCaller caller)
    {
        var name = Normal(entry.Name);
        switch (entry.EntryType)
        {
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile when Documents.Contains(name):
                if (entry.Length > ImageContent.LargestDocument)
                    throw GrpcTranslation.Refuse(
                        StatusCode.ResourceExhausted,
                            $"{name} has {entry.Length} bytes, at most {ImageContent.LargestDocument} are allowed");
                var bytes = new byte[entry.Length];
                if (entry.DataStream is { } document) await document.ReadExactlyAsync(bytes, caller.Cancel);
                _documents[name] = bytes;
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile:
                _blobs[name] = await StoreAsync(name, entry, number, content, caller);
                progress.Complete(_blobs[name]);
                break;
            case TarEntryType.SymbolicLink:
                // Docker's archives have a layer that two images share once, and links to it.
                _links[name] = Normal($"{name[..(name.LastIndexOf('/') + 1)]}{entry.LinkName}");
                break;
            case TarEntryType.HardLink:
                _links[name] = Normal(entry.LinkName);
                break;
            case TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes:
                break;
            default:
                throw GrpcTranslation.Refuse(
                    StatusCode.InvalidArgument, $"the archive has \"{name}\", a {entry.EntryType}: it is not a tar of images");
        }
    }

    private static async Task<Descriptor> StoreAsync(
        string name, TarEntry entry, int number, ImageContent content, StorageCaller caller)
    {
        var bytes = entry.DataStream ?? Stream.Null;
        if (name.Split('/') is not ["blobs", var algorithm, var hex]
            || Supervisor.Storage.Content.Digest.TryParse($"{algorithm}:{hex}") is not { } digest)
        {
            var added = await content.AddAsync(bytes, $"import-{caller.Lease?.Id}-{number}", caller);
            return new Descriptor("", added.Digest.Text, added.Size);
        }
        var blob = new Descriptor("", digest.Text, entry.Length);
        try
        {
            await content.WriteAsync(
                blob, System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty, async (at, append) =>
                {
                    var piece = new byte[256 * 1024];
                    for (long skipped = 0, read = 0; await bytes.ReadAsync(piece, caller.Cancel) is > 0 and var got; read += got)
                    {
                        var skip = (int)Math.Min(at - skipped, got); // what an interrupted import had stored already
                        skipped += skip;
                        if (got > skip) await append(piece.AsMemory(skip, got - skip));
                    }
                }, caller);
        }
        catch (StorageException e) when (e.Fault is StorageFault.FailedPrecondition)
        {
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument,
                $"the archive's {name} is not what its name says: {e.Message}");
        }
        return blob;
    }

    private static string Normal(string name)
    {
        var parts = new List<string>();
        foreach (var part in name.Split('/'))
            if (part == "..")
            {
                if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "."))
            {
                parts.Add(part);
            }
        return string.Join('/', parts);
    }
}
