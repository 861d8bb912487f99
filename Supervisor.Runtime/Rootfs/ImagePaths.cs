using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Looks into a root filesystem that is a directory before the container's init is cloned, which can follow links but not
/// examine them. The results are only hints: the init resolves every path again, beneath its root.
/// </summary>
internal sealed class ImagePaths(string? rootfs)
{
    private const int MostLinks = 40; // as the kernel: path_resolution(7)

    /// <summary>
    /// Resolves the symlinks of a path as the container sees them, dangling ones too. Missing components stay as they are.
    /// </summary>
    /// <returns>The path itself where the root filesystem is not a directory of the host, or the links loop.</returns>
    public string Resolve(string path)
    {
        if (rootfs is null) return path;
        var left = new Stack<string>(path.Split('/').AsEnumerable().Reverse());
        var done = new List<string>();
        for (var links = 0; left.TryPop(out var part);)
        {
            if (part is "" or ".") continue;
            if (part is "..")
            {
                if (done.Count > 0) done.RemoveAt(done.Count - 1);
                continue;
            }
            var place = new FileInfo(Path.Join(rootfs, string.Join('/', done), part));
            if (place.LinkTarget is not { } target)
            {
                done.Add(part);
                continue;
            }
            if (++links > MostLinks) return path;
            if (target.StartsWith('/')) done.Clear();
            foreach (var step in target.Split('/').AsEnumerable().Reverse()) left.Push(step);
        }
        return "/" + string.Join('/', done);
    }

    /// <summary>The permission bits of a directory; null where there is none.</summary>
    public uint? ModeOf(string path)
    {
        if (rootfs is null) return null;
        using var place = Fd.TryOpen(rootfs + Resolve(path), OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW);
        return place is null ? null : FileStatus.Of(place).Mode & 0xfff;
    }
}
