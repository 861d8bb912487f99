using Supervisor.Storage.Content;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>Unpacks blobs into trees, and writes trees as layers into blobs. Both block: run them on a
/// <see cref="StorageWorkers"/> thread.</summary>
public static class LayerWork
{
    /// <summary>Unpacks a blob.</summary>
    /// <param name="sync">Write all of it to the disk before this returns.</param>
    /// <exception cref="StorageException">The mounts, the media type or the layer is refused.</exception>
    public static AppliedLayer Apply(
        Microsoft.Win32.SafeHandles.SafeFileHandle blob, string mediaType, IReadOnlyList<TreeMount> mounts, bool sync,
            StorageLimits limits, CancellationToken cancel)
    {
        using var target = MountedTree.OpenTarget(mounts);
        using var file = new FileStream(blob, FileAccess.Read, 1 << 16);
        using var tar = LayerCompression.Decompress(mediaType, file);
        var applied = new LayerApplier(target, limits, cancel).Apply(tar);
        if (sync) FileCalls.SyncFilesystem(target.Root);
        return applied;
    }

    /// <summary>Writes the changes of <paramref name="right"/> against <paramref name="left"/> to an ingest.</summary>
    /// <returns>The digest of the plain tar.</returns>
    public static Digest Diff(
        IReadOnlyList<TreeMount> left, IReadOnlyList<TreeMount> right, string mediaType, Ingest ingest, StorageLimits limits,
            TimeProvider clock, CancellationToken cancel)
    {
        using var lower = MountedTree.OpenView(left);
        using var upper = MountedTree.OpenView(right);
        ingest.Truncate(clock.GetUtcNow());
        using var blob = new BufferedStream(new IngestStream(ingest, clock), 1 << 18);
        using var compressed = LayerCompression.Compress(mediaType, blob);
        using var tar = new MeasuredStream(compressed, limits.LayerSize);
        new LayerDiffer(lower, upper, tar, cancel).Write();
        var digest = tar.Digest;
        if (!ReferenceEquals(compressed, blob)) compressed.Dispose();
        blob.Flush();
        return digest;
    }

    private sealed class IngestStream(Ingest ingest, TimeProvider clock) : Stream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => ingest.Append(buffer, clock.GetUtcNow());
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override bool CanRead => false;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => ingest.Offset;
        public override long Position { get => ingest.Offset; set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
