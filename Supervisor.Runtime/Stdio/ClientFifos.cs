using System.Security.Cryptography;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// The directory of one client's FIFOs, <c>fifo/NAMESPACE/CONTAINER/RANDOM</c> below the state directory. The client holds a lock
/// on it (flock(2)) and removes it when it exits. The daemon removes, with the task, what a killed client leaves and what an
/// input needs that outlives its client.
/// </summary>
public sealed class ClientFifos : IDisposable
{
    private const int Attempts = 100;
    private readonly Fd _lock;
    private bool _leave;

    private ClientFifos(string path, Fd @lock) => (Path, _lock) = (path, @lock);

    /// <summary>The directory's path.</summary>
    public string Path { get; }

    /// <summary>Makes a directory and locks it.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static ClientFifos Make(string state, string @namespace, string container)
    {
        for (var attempt = 1; ; attempt++)
        {
            var path = System.IO.Path.Join(
                Of(state, @namespace, container), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
            try
            {
                PrivateFiles.MakeDirectory(path);
                if (TryLock(path) is { } held) return new ClientFifos(path, held);
            }
            catch (DirectoryNotFoundException) when (attempt < Attempts)
            {
                // Its parent was empty, and was just removed with another client's last directory.
            }
            if (attempt == Attempts) throw new IOException($"cannot make {path}: the daemon removed it {Attempts} times");
        }
    }

    /// <summary>Leaves the directory to the task: it stays when this client exits.</summary>
    public void Leave() => _leave = true;

    /// <summary>Removes the directories that no client holds any more, for a container whose task is gone.</summary>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public static void RemoveUnused(string state, string @namespace, string container)
    {
        var all = Of(state, @namespace, container);
        if (!Directory.Exists(all)) return;
        foreach (var path in Directory.GetDirectories(all))
        {
            using var free = TryLock(path);
            if (free is not null) Remove(path);
        }
        RemoveIfEmpty(all);
    }

    /// <summary>The containers that have directories of clients.</summary>
    public static IEnumerable<(string Namespace, string Container)> Containers(string state)
    {
        var all = System.IO.Path.Join(state, "fifo");
        if (!Directory.Exists(all)) return [];
        return Directory.GetDirectories(all).SelectMany(Directory.GetDirectories)
            .Select(d => (System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(d))!, System.IO.Path.GetFileName(d)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_leave) Remove(Path);
        if (!_leave) RemoveIfEmpty(System.IO.Path.GetDirectoryName(Path)!);
        _ = Native.flock(_lock.Number, Native.LOCK_UN); // explicitly: a child before its exec may hold a copy
        _lock.Dispose();
    }

    private static string Of(string state, string @namespace, string container) =>
        System.IO.Path.Join(state, "fifo", @namespace, container);

    /// <returns>Null where a client holds it, or it does not exist any more.</returns>
    private static Fd? TryLock(string path)
    {
        if (Fd.TryOpen(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW) is not { } directory) return null;
        if (ExclusiveLock.TryTake(directory) && PrivateFiles.IsAt(path, directory)) return directory;
        directory.Dispose();
        return null;
    }

    private static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // It was removed already.
        }
    }

    /// <summary>Removes the container's directory, and its namespace's, where empty.</summary>
    private static void RemoveIfEmpty(string container)
    {
        try
        {
            Directory.Delete(container);
            Directory.Delete(System.IO.Path.GetDirectoryName(container)!);
        }
        catch (IOException)
        {
            // Another client uses it, or has removed it.
        }
    }
}
