using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Checkpoints;

/// <summary>A checkpoint as a tar: criu's images, which are plain files in one directory.</summary>
public static class CheckpointArchive
{
    private const uint Readable = 0x180; // 0600

    /// <summary>Writes the images of a directory into an ingest.</summary>
    public static void Pack(
        string directory, Ingest ingest, StorageLimits limits, TimeProvider clock, CancellationToken cancel) =>
        LayerWork.Diff([], [new TreeMount("bind", directory, [])], LayerCompression.Tar, ingest, limits, clock, cancel);

    /// <summary>
    /// Writes the images of a blob into a directory. criu trusts its images, so only new, plain files are written: no link, no
    /// device, no directory, no duplicate.
    /// </summary>
    /// <exception cref="StorageException">It is not a tar of images, or is larger than the limits.</exception>
    public static void Unpack(SafeFileHandle blob, string directory, StorageLimits limits, CancellationToken cancel)
    {
        using var root = Fd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
        using var file = new FileStream(blob, FileAccess.Read, 1 << 16);
        using var tar = new MeasuredStream(file, limits.LayerSize);
        var reader = new TarReader(tar);
        var buffer = new byte[256 * 1024];
        long entries = 0;
        while (reader.Next(cancel) is { } entry)
        {
            if (++entries > limits.LayerEntries)
                throw new StorageException(
                    StorageFault.ResourceExhausted,
                    $"the checkpoint has more than {limits.LayerEntries} files (supervisor.storage.layer-entries)");
            var path = LayerPath.Split(entry.Name);
            if (path.Length == 0 && entry.Kind is TarKind.Directory) continue;
            if (path.Length != 1 || entry.Kind is not TarKind.File || entry.Segments is not null)
                throw new StorageException(
                    StorageFault.InvalidArgument,
                        $"checkpoint: \"{RawName.ToText(entry.Name)}\" ({entry.Kind}) is not an image: a checkpoint holds plain "
                        + "files alone");
            if (entry.Size > limits.LayerSize)
                throw new StorageException(
                    StorageFault.ResourceExhausted, $"checkpoint: \"{RawName.ToText(entry.Name)}\" claims {entry.Size} bytes");
            Write(root, path[0], entry.Size, reader, buffer, cancel);
        }
        if (entries == 0) throw new StorageException(StorageFault.InvalidArgument, "checkpoint: the tar is empty");
    }

    private static void Write(Fd root, string name, long size, TarReader reader, byte[] buffer, CancellationToken cancel)
    {
        if (FileCalls.TryStatus(root, name) is not null)
            throw new StorageException(StorageFault.InvalidArgument, $"checkpoint: \"{RawName.ToText(name)}\" occurs twice");
        using var image = FileCalls.TryOpenChild(root, name, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, Readable)
            ?? throw new StorageException(StorageFault.InvalidArgument, $"checkpoint: cannot create \"{RawName.ToText(name)}\"");
        using var handle = new SafeFileHandle(image.Number, ownsHandle: false);
        for (long offset = 0; offset < size;)
        {
            cancel.ThrowIfCancellationRequested();
            var got = reader.Read(buffer);
            RandomAccess.Write(handle, buffer.AsSpan(0, got), offset);
            offset += got;
        }
    }
}
