using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Content;

/// <summary>
/// Blobs and ingests as files. The owners of blobs are recorded elsewhere; here a blob is a file with a unique name. All calls
/// block: run them on a <see cref="StorageWorkers"/> thread.
/// </summary>
public sealed class ContentStore
{
    /// <summary>Characters of a client's name for an ingest.</summary>
    public const int MaximumRef = 4096;

    private const int LongestWait = 256; // milliseconds, and about twice that in total

    private readonly string _blobs, _ingests;
    private readonly StorageLimits _limits;
    private readonly UniqueNames _names;
    private readonly ConcurrentDictionary<string, DateTimeOffset> _held = new(StringComparer.Ordinal);

    /// <param name="root">Its own directory; created if it does not exist.</param>
    public ContentStore(string root, StorageLimits limits, UniqueNames names)
    {
        (Root, _blobs, _ingests, _limits, _names) = (root, Path.Join(root, "blobs"), Path.Join(root, "ingest"), limits, names);
        foreach (var directory in (string[])[root, _blobs, Path.Join(_blobs, "sha256"), Path.Join(_blobs, "sha512"), _ingests])
            PrivateFiles.MakeDirectory(directory);
    }

    /// <summary>Its directory.</summary>
    public string Root { get; }

    /// <summary>Starts or resumes an ingest.</summary>
    /// <exception cref="StorageException">Another writer holds it, there are too many, or the expected size is too
    /// large.</exception>
    public Ingest Open(string @namespace, string reference, long total, Digest? expected, DateTimeOffset now,
        CancellationToken cancel)
    {
        if (reference.Length > MaximumRef)
            throw new StorageException(
                StorageFault.InvalidArgument, $"ref: {reference.Length} characters long, at most {MaximumRef} are allowed");
        CheckSize(total);
        if (total > 0 && new DriveInfo(_ingests).AvailableFreeSpace is var free && total > free)
            throw new StorageException(
                StorageFault.ResourceExhausted, $"total: {total} bytes are expected, {free} are free in {_ingests}");
        var key = KeyOf(@namespace, reference);
        // The writer before may still be closing it after its call has ended: containerd, too, retries for about a second.
        for (var wait = 1; !_held.TryAdd(key, now); wait *= 2)
        {
            if (wait > LongestWait)
                throw new StorageException(StorageFault.Unavailable, $"ref {reference} locked{Since(key, now)}: unavailable");
            if (cancel.WaitHandle.WaitOne(wait)) cancel.ThrowIfCancellationRequested();
        }
        try
        {
            return Open(
                key, new IngestAbout(@namespace, reference, total, expected?.Text ?? "", now),
                expected?.Algorithm ?? HashAlgorithmName.SHA256, cancel);
        }
        catch
        {
            Release(key);
            throw;
        }
    }

    /// <summary>The status of an ingest.</summary>
    /// <exception cref="StorageException">There is none of this name.</exception>
    public IngestStatus Status(string @namespace, string reference) =>
        StatusIn(Path.Join(_ingests, KeyOf(@namespace, reference)))?.Status ?? throw NoRef(reference);

    /// <summary>The ingests of a namespace, by their names.</summary>
    public IReadOnlyList<IngestStatus> Statuses(string @namespace) =>
        [.. Directory.EnumerateDirectories(_ingests).Select(StatusIn).Where(i => i?.Namespace == @namespace)
            .Select(i => i!.Value.Status)
            .OrderBy(s => s.Ref, StringComparer.Ordinal)];

    /// <summary>Removes an ingest.</summary>
    /// <exception cref="StorageException">There is none of this name, or a writer holds it.</exception>
    public void Abort(string @namespace, string reference)
    {
        var key = KeyOf(@namespace, reference);
        if (!_held.TryAdd(key, DateTimeOffset.UnixEpoch))
            throw new StorageException(StorageFault.Unavailable, $"ref {reference} locked: unavailable");
        try
        {
            if (!Directory.Exists(Path.Join(_ingests, key))) throw NoRef(reference);
            Directory.Delete(Path.Join(_ingests, key), recursive: true);
        }
        finally
        {
            Release(key);
        }
    }

    /// <summary>Removes the ingests that <paramref name="which"/> (namespace and state) selects and no writer holds.</summary>
    public void RemoveIngests(Func<string, IngestStatus, bool> which)
    {
        foreach (var directory in Directory.EnumerateDirectories(_ingests))
        {
            var key = Path.GetFileName(directory);
            if (StatusIn(directory) is { } found && !which(found.Namespace, found.Status)) continue;
            if (!_held.TryAdd(key, DateTimeOffset.UnixEpoch)) continue;
            try { Directory.Delete(directory, recursive: true); }
            catch (DirectoryNotFoundException) { }
            finally { Release(key); }
        }
    }

    /// <summary>Opens a blob for reading.</summary>
    /// <returns>Null if there is no such file.</returns>
    public SafeFileHandle? TryOpen(string file)
    {
        try { return File.OpenHandle(
            Path.Join(_blobs, file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete); }
        catch (FileNotFoundException) { return null; }
    }

    /// <summary>Removes a blob's file; a missing one is not an error.</summary>
    public void Remove(string file) => File.Delete(Path.Join(_blobs, file));

    /// <summary>Removes files without a record, of interrupted commits. Only while there are no writers.</summary>
    public void RemoveAllBut(IReadOnlySet<string> recorded)
    {
        foreach (var path in Directory.EnumerateFiles(_blobs, "*", SearchOption.AllDirectories))
            if (!recorded.Contains(Path.GetRelativePath(_blobs, path))) File.Delete(path);
    }

    /// <summary>The numbers in the names of the existing files.</summary>
    internal IEnumerable<long> Numbers => Directory.EnumerateFiles(_blobs, "*", SearchOption.AllDirectories)
        .Select(f => long.TryParse(f[(f.LastIndexOf('-') + 1)..], out var number) ? number : 0);

    internal void CheckSize(long size)
    {
        if (size < 0) throw new StorageException(StorageFault.InvalidArgument, $"{size} is not a size");
        if (size > _limits.BlobSize)
            throw new StorageException(
                StorageFault.ResourceExhausted,
                $"{size} bytes, at most {_limits.BlobSize} are allowed for a blob (supervisor.storage.blob-size)");
    }

    internal string Publish(string path, Digest digest)
    {
        var file = $"{digest.Text.Split(':')[0]}/{digest.Hex}-{_names.Next()}";
        var target = Path.Join(_blobs, file);
        File.Move(path, target);
        FileCalls.SyncDirectory(Path.GetDirectoryName(target)!);
        return file;
    }

    internal void Release(string key) => _held.TryRemove(key, out _);

    private Ingest Open(string key, IngestAbout about, HashAlgorithmName algorithm, CancellationToken cancel)
    {
        var directory = Path.Join(_ingests, key);
        if (IngestAbout.TryRead(directory) is { } begun)
        {
            about = begun with { Total = about.Total > 0 ? about.Total : begun.Total,
                Expected = about.Expected.Length > 0 ? about.Expected : begun.Expected };
            if (begun.Expected != about.Expected || begun.Total != about.Total) about.Write(directory);
        }
        else
        {
            if (Directory.EnumerateDirectories(_ingests).Take(_limits.Ingests).Count() >= _limits.Ingests)
                throw new StorageException(
                    StorageFault.ResourceExhausted,
                        $"{_limits.Ingests} ingests are open already (supervisor.storage.ingests): abort some");
            PrivateFiles.MakeDirectory(directory);
            about.Write(directory);
        }
        cancel.ThrowIfCancellationRequested();
        var path = Path.Join(directory, Ingest.DataFile);
        var isNew = !File.Exists(path);
        if (isNew) PrivateFiles.Create(path).Dispose(); // OpenHandle creates files with the umask's mode
        var data = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        if (isNew) File.SetLastWriteTimeUtc(data, about.StartedAt.UtcDateTime);
        var hash = IncrementalHash.CreateHash(algorithm);
        return new Ingest(this, key, directory, about, data, hash, Ingest.ReadInto(hash, data));
    }

    private static (string Namespace, IngestStatus Status)? StatusIn(string directory)
    {
        if (IngestAbout.TryRead(directory) is not { } about) return null;
        var data = new FileInfo(Path.Join(directory, Ingest.DataFile));
        return (about.Namespace, new IngestStatus(
            about.Ref, data.Exists ? data.Length : 0, about.Total, about.Expected, about.StartedAt,
                data.Exists ? data.LastWriteTimeUtc : about.StartedAt));
    }

    private string Since(string key, DateTimeOffset now) =>
        _held.TryGetValue(key, out var since)
            ? string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $" for {(now - since).TotalSeconds:0.###}s (since {since:yyyy-MM-dd HH:mm:ss.fff} UTC)") : "";

    private static StorageException NoRef(string reference) => new(StorageFault.NotFound, $"reference {reference}: not found");

    // A ref is any text: its hash is a safe name, and stable across restarts.
    private static string KeyOf(string @namespace, string reference) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{@namespace}\0{reference}")));
}
