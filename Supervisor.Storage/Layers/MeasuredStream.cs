using System.Security.Cryptography;

namespace Supervisor.Storage.Layers;

/// <summary>Hashes and counts the bytes that pass through it, and fails beyond a limit.</summary>
internal sealed class MeasuredStream(Stream inner, long limit) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Bytes so far.</summary>
    public long Count { get; private set; }

    /// <summary>The digest of the bytes so far.</summary>
    public Content.Digest Digest => Content.Digest.Of(HashAlgorithmName.SHA256, _hash.GetCurrentHash());

    public override int Read(Span<byte> buffer)
    {
        int got;
        try
        {
            got = inner.Read(buffer);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException)
        {
            throw new StorageException(StorageFault.InvalidArgument, $"the layer cannot be decompressed: {e.Message}");
        }
        Passed(buffer[..got]);
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Passed(buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override bool CanRead => inner.CanRead;
    public override bool CanWrite => inner.CanWrite;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => Count; set => throw new NotSupportedException(); }
    public override void Flush() => inner.Flush();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }

    private void Passed(ReadOnlySpan<byte> bytes)
    {
        Count += bytes.Length;
        if (Count > limit)
            throw new StorageException(
                StorageFault.ResourceExhausted,
                $"the layer is larger than {limit} bytes when it is decompressed (supervisor.storage.layer-size)");
        _hash.AppendData(bytes);
    }
}
