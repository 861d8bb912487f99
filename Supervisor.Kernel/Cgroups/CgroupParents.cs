using System.Diagnostics;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// The parents of containers' cgroups. Those that were created for a container carry a mark, an extended attribute of the
/// directory: the container that is removed last removes them, even if another created them, and a directory that an
/// administrator made is left alone. kernfs keeps trusted.* for root, and user.* for others since Linux 5.7.
/// </summary>
/// <remarks>
/// A process that makes many containers keeps them for a while, open: to create and remove eleven of them takes as long as to
/// create and remove the containers' own. Their paths are in a file meanwhile, for the process that follows one that was killed.
/// </remarks>
public sealed class CgroupParents : IDisposable
{
    private const int Most = 256; // descriptors: the parents of about 20 paths
    private static readonly string[] Names = ["trusted.supervisor.made", "user.supervisor.made"];
    private readonly TimeSpan _keep;
    private readonly string _record = "";
    private readonly Action<Exception> _onError = static _ => { };
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Kept> _kept = new(StringComparer.Ordinal);
    private readonly Timer? _timer; // null: nothing is kept
    private bool _isTicking, _isDisposed;

    /// <param name="keep">How long after their last use.</param>
    /// <param name="record">The file with their paths. What an earlier process recorded there is removed.</param>
    /// <param name="onError">Receives a failure to read or write it. A parent that cannot be recorded is not kept.</param>
    public CgroupParents(TimeSpan keep, string record, Action<Exception> onError)
    {
        (_keep, _record, _onError) = (keep, record, onError);
        _timer = new Timer(_ => RemoveUnused(_keep));
        TryOnRecord(() =>
        {
            if (!File.Exists(record)) return;
            foreach (var path in File.ReadLines(record)) RemoveMarked(path);
            File.Delete(record);
        });
    }

    private CgroupParents()
    {
    }

    /// <summary>Keeps none: for a process that ends soon.</summary>
    public static CgroupParents NotKept { get; } = new();

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _isDisposed = true;
        _timer?.Dispose();
        RemoveUnused(TimeSpan.Zero);
    }

    /// <summary>A shared <see cref="CgroupParent.TryOpen"/>.</summary>
    /// <inheritdoc cref="CgroupParent.TryOpen"/>
    internal (CgroupParent? Parent, Errno Errno) TryOpen(CgroupHierarchy hierarchy, string cgroupsPath)
    {
        if (_timer is null) return CgroupParent.TryOpen(hierarchy, cgroupsPath);
        var path = CgroupParent.PathOf(hierarchy, cgroupsPath);
        lock (_lock)
            if (_kept.TryGetValue(path, out var kept) && kept.Parent is not null)
            {
                kept.LastUsed = Stopwatch.GetTimestamp();
                return (kept.Parent.Share(), Errno.None);
            }
        var (parent, errno) = CgroupParent.TryOpen(hierarchy, cgroupsPath);
        if (parent is not null) TryKeep(path, parent);
        return (parent, errno);
    }

    /// <summary>It was found to be removed: the next one is opened again.</summary>
    internal void Forget(CgroupParent parent)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(parent.Path, out var kept) || kept.Parent != parent) return;
            kept.Parent = null;
            parent.Dispose();
        }
    }

    /// <summary>Containers' directories have been removed: their parents follow if they are empty, now or later.</summary>
    internal void RemoveOf(IReadOnlyList<string> directories)
    {
        foreach (var directory in directories)
            if (Path.GetDirectoryName(directory) is { } parent && !TryKeep(parent, null)) RemoveMarked(parent);
    }

    /// <summary>Marks a directory that was just created. Without a mark it is not removed when it is empty.</summary>
    internal static unsafe void Mark(Fd directory)
    {
        byte one = 1;
        using var held = new HeldHandle(directory);
        foreach (var name in Names)
            fixed (byte* key = CString.Of(name))
                if (Native.fsetxattr(held.Number, key, &one, 1, 0) == 0) return;
    }

    /// <summary>Removes a directory and those above it, as far as they are marked and empty.</summary>
    private static void RemoveMarked(string path)
    {
        for (var parent = path; parent is not null && IsMarked(parent); parent = Path.GetDirectoryName(parent))
            if (CgroupFile.TryRemoveDirectory(parent) is not Errno.None) break; // EBUSY, ENOTEMPTY: others are in there
    }

    private static unsafe bool IsMarked(string directory)
    {
        foreach (var name in Names)
            fixed (byte* path = CString.Of(directory), key = CString.Of(name))
                if (Native.lgetxattr(path, key, null, 0) >= 0) return true;
        return false;
    }

    /// <param name="path">What to remove when it has not been used for a while.</param>
    /// <param name="parent">The same, open; null where it is not.</param>
    /// <returns>False where nothing is kept, or no more.</returns>
    private bool TryKeep(string path, CgroupParent? parent)
    {
        lock (_lock)
        {
            if (_timer is null || _isDisposed) return false;
            if (!_kept.TryGetValue(path, out var kept))
            {
                if (_kept.Count >= Most || !TryOnRecord(() => Append(path + "\n"))) return false;
                _kept[path] = kept = new Kept();
            }
            kept.LastUsed = Stopwatch.GetTimestamp();
            if (kept.Parent is null) kept.Parent = parent?.Share();
            if (!_isTicking) _isTicking = _timer.Change(_keep, _keep);
            return true;
        }
    }

    private void RemoveUnused(TimeSpan since)
    {
        lock (_lock) // a creation waits, and opens what is left
        {
            var unused = _kept.Where(k => Stopwatch.GetElapsedTime(k.Value.LastUsed) >= since).ToList();
            if (unused.Count == 0) return;
            foreach (var (path, kept) in unused)
            {
                kept.Parent?.Dispose();
                RemoveMarked(path);
                _kept.Remove(path);
            }
            TryOnRecord(() => // a line too many is harmless
            {
                if (_kept.Count == 0) File.Delete(_record);
                else PrivateFiles.WriteLines(_record, _kept.Keys);
            });
            if (_kept.Count > 0 || _isDisposed) return;
            _timer!.Change(Timeout.Infinite, Timeout.Infinite);
            _isTicking = false;
        }
    }

    private void Append(string line)
    {
        using var record = Fd.Open(
            _record, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT, (uint)PrivateFiles.FileMode);
        record.Write(Encoding.UTF8.GetBytes(line));
    }

    private bool TryOnRecord(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _onError(e);
            return false;
        }
    }

    private sealed class Kept
    {
        public CgroupParent? Parent;
        public long LastUsed;
    }
}
