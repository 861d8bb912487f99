using System.Security.Cryptography;
using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Checkpoints;

/// <summary>
/// Directories for images that are being stored into a blob, or unpacked from one. On disk, not on the state's tmpfs: they are
/// as large as the processes' memory. All calls block: run them on a <see cref="StorageWorkers"/> thread.
/// </summary>
/// <param name="root">Its own directory; created when needed.</param>
public sealed class CheckpointDirectories(string root)
{
    /// <summary>Creates a directory with mode 0700: images hold a process's secrets.</summary>
    public CheckpointDirectory New()
    {
        var made = new CheckpointDirectory(Path.Join(root, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))));
        foreach (var directory in (string[])[made.Images, made.Work]) PrivateFiles.MakeDirectory(directory);
        return made;
    }

    /// <summary>Removes what a killed daemon has left.</summary>
    /// <param name="needed">Those of tasks that wait to be restored: they are kept.</param>
    public void RemoveAllBut(IReadOnlySet<string> needed)
    {
        if (!Directory.Exists(root)) return;
        foreach (var directory in Directory.EnumerateDirectories(root).Where(d => !needed.Contains(d)).ToList())
            Directory.Delete(directory, recursive: true);
    }
}

/// <summary>A directory of ours for one checkpoint.</summary>
/// <param name="Path">Absolute.</param>
public sealed record CheckpointDirectory(string Path)
{
    /// <summary>criu's images.</summary>
    public string Images => System.IO.Path.Join(Path, "images");

    /// <summary>criu's log: not part of the checkpoint.</summary>
    public string Work => System.IO.Path.Join(Path, "work");

    /// <summary>Removes it; a missing one is not an error.</summary>
    public void Remove()
    {
        try { Directory.Delete(Path, recursive: true); }
        catch (DirectoryNotFoundException) { }
    }
}
