using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Files;

/// <summary>Removes whole trees, whatever a container has made of them.</summary>
public static class TreeRemoval
{
    private const int DeepEnough = 64;

    /// <summary>Removes a node with all beneath it; none of this name is no error.</summary>
    /// <remarks>
    /// No stack frame and no descriptor for each level: a container can make a tree deeper than any path is long. What lies
    /// too deep is moved up beside the root of the removal first.
    /// </remarks>
    public static void Remove(Fd parent, string name, CancellationToken cancel = default)
    {
        var waiting = new Queue<string>([name]);
        var moved = 0;
        while (waiting.TryDequeue(out var next)) RemoveOne(next);

        void RemoveOne(string top)
        {
            if (FileCalls.TryUnlink(parent, top, directory: false)) return;
            if (FileCalls.TryUnlink(parent, top, directory: true)) return;
            if (FileCalls.TryOpenDirectory(parent, top) is not { } opened) return;
            using (opened) Empty(opened, depth: 1);
            FileCalls.TryUnlink(parent, top, directory: true);
        }

        void Empty(Fd directory, int depth)
        {
            foreach (var child in FileCalls.List(directory))
            {
                cancel.ThrowIfCancellationRequested();
                if (FileCalls.TryUnlink(directory, child, directory: false)
                    || FileCalls.TryUnlink(directory, child, directory: true))
                    continue;
                if (depth >= DeepEnough)
                {
                    var aside = $".removing-{name.GetHashCode(StringComparison.Ordinal):x8}-{++moved}";
                    FileCalls.Rename(directory, child, parent, aside);
                    waiting.Enqueue(aside);
                    continue;
                }
                if (FileCalls.TryOpenDirectory(directory, child) is not { } below) continue;
                using (below) Empty(below, depth + 1);
                FileCalls.TryUnlink(directory, child, directory: true);
            }
        }
    }
}
