using Supervisor.Kernel.Files;
using Supervisor.Storage.Checkpoints;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;
using Supervisor.Storage.Snapshots;

namespace Supervisor.Storage;

/// <summary>A file or directory that no record names any more.</summary>
/// <param name="Blob">A blob's file; null for a snapshot.</param>
/// <param name="Snapshotter">The directory's snapshotter; null for a blob.</param>
/// <param name="Id">The directory's number.</param>
public sealed record Freed(string? Blob, string? Snapshotter, long Id);

/// <summary>
/// All files of one daemon: blobs, ingests, snapshots, and the threads that access them. A file is created first, under a new
/// name, and then recorded; files without a record are removed at the next start.
/// </summary>
public sealed class StorageFiles : IDisposable
{
    /// <summary>How long an ingest without writes is kept.</summary>
    public static readonly TimeSpan IngestLifetime = TimeSpan.FromHours(24);

    private const string KeepFile = "keep-unrecorded";
    private readonly string _root;

    /// <param name="root">The daemon's root directory.</param>
    /// <param name="threads">See <see cref="StorageWorkers"/>.</param>
    public StorageFiles(string root, StorageLimits limits, int threads)
    {
        (_root, Limits, Workers) = (root, limits, new StorageWorkers(threads));
        Content = new ContentStore(Path.Join(root, "content"), limits, Names);
        Checkpoints = new CheckpointDirectories(Path.Join(root, "checkpoints"));
        Snapshotters = [
            new OverlaySnapshotter(Path.Join(root, "snapshots", "overlayfs")),
            new NativeSnapshotter(Path.Join(root, "snapshots", "native"))];
    }

    /// <summary>The limits.</summary>
    public StorageLimits Limits { get; }

    /// <summary>The threads for file I/O.</summary>
    public StorageWorkers Workers { get; }

    /// <summary>Numbers for files and directories.</summary>
    public UniqueNames Names { get; } = new();

    /// <summary>Blobs and ingests.</summary>
    public ContentStore Content { get; }

    /// <summary>Checkpoint images that are being stored or unpacked.</summary>
    public CheckpointDirectories Checkpoints { get; }

    /// <summary>The snapshotters, unusable ones included.</summary>
    public IReadOnlyList<Snapshotter> Snapshotters { get; }

    /// <summary>Null if there is none of this name, or it is unusable.</summary>
    public Snapshotter? Snapshotter(string name) => Snapshotters.FirstOrDefault(s => s.Name == name && s.Unusable is null);

    /// <summary>
    /// Keeps files without a record from now on, also after restarts: the records were lost, and running containers may use them.
    /// </summary>
    public static void KeepUnrecorded(string root) => PrivateFiles.WriteLines(
        Path.Join(root, KeepFile),
            ["Blobs and snapshots that no record names are kept: running containers were adopted without their records.",
            "Remove this file, and they are removed at the next start."]);

    /// <summary>Removes files without a record again.</summary>
    public static void SweepUnrecorded(string root) => File.Delete(Path.Join(root, KeepFile));

    /// <summary>Removes the unfinished files of a killed daemon. Called before any file is created.</summary>
    public Task SweepAsync(IReadOnlySet<string> blobs, IReadOnlySet<(string Snapshotter, long Id)> snapshots) =>
        Workers.RunAsync("sweep the storage", _ =>
    {
        if (File.Exists(Path.Join(_root, KeepFile)))
        {
            Names.After(Content.Numbers.Concat(Snapshotters.SelectMany(s => s.Numbers)).DefaultIfEmpty().Max());
            return;
        }
        Names.After(
            blobs.Select(b => long.Parse(b[(b.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture))
            .Concat(snapshots.Select(s => s.Id)).DefaultIfEmpty().Max());
        Content.RemoveAllBut(blobs);
        foreach (var snapshotter in Snapshotters)
            snapshotter.SetAsideAllBut(snapshots.Where(s => s.Snapshotter == snapshotter.Name).Select(s => s.Id).ToHashSet());
    }, Limits.Deadline);

    /// <summary>Empties the trash, and removes ingests without a write for <see cref="IngestLifetime"/>.</summary>
    public Task TidyAsync(DateTimeOffset now) => Workers.RunAsync("tidy the storage", cancel =>
    {
        Content.RemoveIngests((_, ingest) => now - ingest.UpdatedAt > IngestLifetime);
        foreach (var snapshotter in Snapshotters) snapshotter.EmptyTrash(cancel);
    }, Limits.LayerDeadline);

    /// <summary>Removes files whose records are gone.</summary>
    public Task RemoveAsync(IReadOnlyList<Freed> freed) => Workers.RunAsync("remove blobs and snapshots", cancel =>
    {
        foreach (var one in freed)
        {
            if (one.Blob is not null) Content.Remove(one.Blob);
            else Snapshotters.Single(s => s.Name == one.Snapshotter).Remove(one.Id, cancel);
        }
    }, Limits.LayerDeadline);

    /// <inheritdoc/>
    public void Dispose() => Workers.Dispose();
}
