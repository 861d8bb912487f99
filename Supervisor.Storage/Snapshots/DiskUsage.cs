using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Snapshots;

/// <summary>A tree's disk usage, counted as in containerd: blocks of 512 bytes, each inode once, the directory itself
/// included.</summary>
/// <param name="Size">Bytes.</param>
public readonly record struct DiskUsage(long Size, long Inodes)
{
    /// <summary>Walks the tree.</summary>
    public static DiskUsage Of(Fd directory, CancellationToken cancel)
    {
        var seen = new HashSet<(uint, uint, ulong)>();
        var (size, inodes) = (FileCalls.Status(directory).Blocks * 512, 1L);
        Walk(directory, 0);
        return new DiskUsage(size, inodes);

        void Walk(Fd parent, int depth)
        {
            if (depth > TreeCopy.MaximumDepth)
                throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {TreeCopy.MaximumDepth} levels");
            foreach (var name in FileCalls.List(parent))
            {
                cancel.ThrowIfCancellationRequested();
                if (FileCalls.TryStatus(parent, name) is not { } status) continue; // a running container may remove it
                if (status.Links > 1 && !status.IsDirectory && !seen.Add((status.DeviceMajor, status.DeviceMinor, status.Inode)))
                    continue;
                size += status.Blocks * 512;
                inodes++;
                if (!status.IsDirectory) continue;
                using var child = FileCalls.TryOpenDirectory(parent, name);
                if (child is not null) Walk(child, depth + 1);
            }
        }
    }
}
