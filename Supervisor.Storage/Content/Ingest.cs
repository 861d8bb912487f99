using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Content;

/// <summary>
/// A blob that is being written, held by one writer. Its bytes are written as they arrive, so that it can be resumed after the
/// client or the daemon has exited. All calls block: run them on a <see cref="StorageWorkers"/> thread.
/// </summary>
public sealed class Ingest : IDisposable
{
    internal const string DataFile = "data", AboutFile = "about.json";

    private readonly ContentStore _store;
    private readonly string _directory, _key;
    private readonly SafeFileHandle _data;
    private IncrementalHash _hash;

    internal Ingest(
        ContentStore store, string key, string directory, IngestAbout about, SafeFileHandle data, IncrementalHash hash,
            long offset)
    {
        (_store, _key, _directory, _data, _hash, Offset) = (store, key, directory, data, hash, offset);
        (About, UpdatedAt) = (about, File.GetLastWriteTimeUtc(data));
    }

    internal IngestAbout About { get; }

    /// <summary>Bytes so far.</summary>
    public long Offset { get; private set; }

    /// <summary>The expected size in bytes; 0 if unknown.</summary>
    public long Total => About.Total;

    /// <summary>The expected digest, or empty.</summary>
    public string Expected => About.Expected;

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt => About.StartedAt;

    /// <summary>When bytes were last written.</summary>
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>The digest of the bytes so far.</summary>
    public Digest Digest => Content.Digest.Of(_hash.AlgorithmName, _hash.GetCurrentHash());

    /// <summary>Appends bytes.</summary>
    /// <exception cref="StorageException">It would exceed the limit; the bytes so far are kept.</exception>
    public void Append(ReadOnlySpan<byte> bytes, DateTimeOffset now)
    {
        _store.CheckSize(Offset + bytes.Length);
        RandomAccess.Write(_data, bytes, Offset);
        _hash.AppendData(bytes);
        Offset += bytes.Length;
        UpdatedAt = now;
        // The kernel's mtime is of its last tick, and would differ from what the writer gets. A tick of ours is 100 ns.
        File.SetLastWriteTimeUtc(_data, now.UtcDateTime);
    }

    /// <summary>Starts over with no bytes.</summary>
    public void Truncate(DateTimeOffset now)
    {
        RandomAccess.SetLength(_data, 0);
        _hash.GetHashAndReset();
        (Offset, UpdatedAt) = (0, now);
        File.SetLastWriteTimeUtc(_data, now.UtcDateTime);
    }

    /// <summary>Checks its size and digest, and makes it a blob: synced, and under its final name.</summary>
    /// <param name="total">Bytes that it must have; 0: any.</param>
    /// <param name="expected">Digest that it must have; null: any.</param>
    /// <returns>The blob. Until its file name is recorded, the next start of the daemon removes it.</returns>
    /// <exception cref="StorageException">Size or digest differ: the ingest is kept.</exception>
    public StoredBlob Publish(long total, Digest? expected)
    {
        if (total > 0 && total != Offset)
            throw new StorageException(
                StorageFault.FailedPrecondition, $"unexpected commit size {Offset}, expected {total}: failed precondition");
        if (expected is { } other && other.Algorithm != _hash.AlgorithmName) Rehash(other.Algorithm);
        var digest = Digest;
        if (expected is { } wanted && wanted != digest)
            throw new StorageException(
                StorageFault.FailedPrecondition, $"unexpected commit digest {digest}, expected {wanted}: failed precondition");
        RandomAccess.FlushToDisk(_data);
        File.SetUnixFileMode(_data, UnixFileMode.UserRead);
        var file = _store.Publish(Path.Join(_directory, DataFile), digest);
        Forget();
        return new StoredBlob(digest, Offset, file);
    }

    /// <summary>Removes it with all its bytes.</summary>
    public void Forget() => Directory.Delete(_directory, recursive: true);

    /// <summary>Releases it to other writers.</summary>
    public void Dispose()
    {
        _data.Dispose();
        _hash.Dispose();
        _store.Release(_key);
    }

    private void Rehash(HashAlgorithmName algorithm)
    {
        _hash.Dispose();
        _hash = IncrementalHash.CreateHash(algorithm);
        ReadInto(_hash, _data);
    }

    internal static long ReadInto(IncrementalHash hash, SafeFileHandle data)
    {
        var buffer = new byte[1 << 20];
        long offset = 0;
        for (int got; (got = RandomAccess.Read(data, buffer, offset)) > 0; offset += got) hash.AppendData(buffer.AsSpan(0, got));
        return offset;
    }
}

/// <summary>The metadata of an ingest, kept beside its bytes.</summary>
internal sealed record IngestAbout(string Namespace, string Ref, long Total, string Expected, DateTimeOffset StartedAt)
{
    public static IngestAbout? TryRead(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(Path.Join(directory, Ingest.AboutFile)), IngestJson.Default.IngestAbout);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null; // interrupted at its start, or removed in the meantime
        }
    }

    public void Write(string directory) =>
        PrivateFiles.Write(Path.Join(directory, Ingest.AboutFile),
            JsonSerializer.SerializeToUtf8Bytes(this, IngestJson.Default.IngestAbout));
}

[JsonSerializable(typeof(IngestAbout))]
internal sealed partial class IngestJson : JsonSerializerContext;

/// <summary>A blob on disk.</summary>
/// <param name="File">Its file's name in the blobs' directory: unique, also among blobs of one digest.</param>
public sealed record StoredBlob(Digest Digest, long Size, string File);
