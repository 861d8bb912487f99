using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Files;

/// <summary>Removes whole trees, whatever a container has created in them.</summary>
public static class TreeRemoval
{
    private const int DeepEnough = 64;

    /// <summary>Removes a node with all beneath it; a missing one is not an error.</summary>
    /// <remarks>
    /// It uses no stack frame or descriptor per level: a container can create a tree deeper than the longest path. What is too
    /// deep is first moved up beside the root of the removal.
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
