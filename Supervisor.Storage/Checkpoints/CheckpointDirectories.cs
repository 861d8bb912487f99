using System.Security.Cryptography;
using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Checkpoints;

/// <summary>
/// Directories for images on their way into a blob, or out of one. On the disk, not on the state's tmpfs: they are as large as
/// the memory of the processes in them. All calls block: they belong on a <see cref="StorageWorkers"/> thread.
/// </summary>
/// <param name="root">Its own directory; made when it is needed.</param>
public sealed class CheckpointDirectories(string root)
{
    /// <summary>Makes one that nobody else may look into: images hold a process's secrets.</summary>
    public CheckpointDirectory New()
    {
        var made = new CheckpointDirectory(Path.Join(root, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))));
        foreach (var directory in (string[])[made.Images, made.Work]) PrivateFiles.MakeDirectory(directory);
        return made;
    }

    /// <summary>Removes what a daemon that was killed has left.</summary>
    /// <param name="needed">Of tasks that wait to be restored: they stay.</param>
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

    /// <summary>criu's log: no part of the checkpoint.</summary>
    public string Work => System.IO.Path.Join(Path, "work");

    /// <summary>Removes it; one that is gone already is no error.</summary>
    public void Remove()
    {
        try { Directory.Delete(Path, recursive: true); }
        catch (DirectoryNotFoundException) { }
    }
}
