using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Writes the changes of a tree against another as a layer: new and changed entries, and whiteouts for removed ones.
/// </summary>
internal sealed class LayerDiffer
{
    private static readonly Dictionary<string, byte[]> NoAttributes = [];

    private readonly Fd _lower, _upper;
    private readonly TarWriter _tar;
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private readonly NodeArchiver _nodes;
    private readonly TreeComparison _comparison;

    public LayerDiffer(Fd lower, Fd upper, Stream output, CancellationToken cancel)
    {
        (_lower, _upper, _tar) = (lower, upper, new TarWriter(output));
        _nodes = new NodeArchiver(_tar, cancel);
        _comparison = new TreeComparison(cancel) { Removed = Whiteout, Differs = WriteNode };
    }

    /// <summary>Writes the whole layer.</summary>
    public void Write()
    {
        _comparison.Walk(_lower, _upper);
        _tar.End();
    }

    private void WriteNode(Fd directory, string name, NodeStatus status, string path, bool isNew)
    {
        WriteParents(path[..^name.Length]);
        if (!status.IsDirectory || _written.Add(path + "/")) _nodes.Write(directory, name, path);
    }

    /// <summary>A layer names the parent directories of its changes, so that it can be unpacked alone.</summary>
    private void WriteParents(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            if (!_written.Add(path[..(slash + 1)])) continue;
            using var directory = FileCalls.TryOpen(
                _upper, path[..slash], OpenFlags.O_PATH | OpenFlags.O_DIRECTORY,
                    ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS);
            if (directory is not null) _nodes.Write(directory, "", path[..slash]);
        }
    }

    private void Whiteout(string path)
    {
        var slash = path.LastIndexOf('/') + 1;
        WriteParents(path[..slash]);
        _tar.Add(new TarEntry(
            $"{path[..slash]}.wh.{path[slash..]}", TarKind.File, "", 0, 0, 0, 0, default, 0, 0, null, NoAttributes));
    }
}
