using Containerd.Services.Containers.V1;
using Containerd.Services.Namespaces.V1;
using Supervisor.Cli.Connection;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Diagnosis;

/// <summary>What is there of containers that the daemon does not know: named, and never removed.</summary>
internal sealed class LeftoverCheck(DaemonClient client, string root, string state)
{
    private const int MostNamed = 5;

    // A container that is being created or deleted at this moment is none.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    /// <summary>Something of a container.</summary>
    private sealed record Trace(string Path, string Container);

    public async Task<IEnumerable<Finding>> ExamineAsync(CancellationToken cancel)
    {
        var before = await FindAsync(cancel);
        var suspects = before.SelectMany(kind => kind.Traces).Any();
        if (suspects) await Task.Delay(Settle, cancel);
        var still = suspects ? await FindAsync(cancel) : before;
        return before.Zip(still, (first, second) => Judge(first with { Traces = [.. first.Traces.Intersect(second.Traces)] }));
    }

    private sealed record Kind(string Name, IReadOnlyList<Trace> Traces, string ToDo);

    private static Finding Judge(Kind kind) => kind.Traces.Count == 0
        ? Finding.Ok(kind.Name, "none of an unknown container")
        : Finding.Fault(kind.Name, string.Join(", ", kind.Traces.Take(MostNamed).Select(t => t.Path))
            + (kind.Traces.Count > MostNamed ? $" and {kind.Traces.Count - MostNamed} more" : ""), kind.ToDo);

    private async Task<IReadOnlyList<Kind>> FindAsync(CancellationToken cancel)
    {
        var namespaces = (await client.Namespaces.ListAsync(new ListNamespacesRequest(), client.Call(cancel))).Namespaces
            .Select(n => n.Name).ToList();
        // What is there first: a container that is created meanwhile is known then.
        var (directories, cgroups, mounts) = (Directories().ToList(), Cgroups(namespaces).ToList(), Mounts().ToList());
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in namespaces)
        {
            var listed = await client.Containers.ListAsync(new ListContainersRequest(), client.CallIn(name, cancel));
            known.UnionWith(listed.Containers.Select(c => $"{name}/{c.Id}"));
        }
        return
        [
            new("directories", Unknown(directories), "if no daemon uses them, remove them"),
            new("cgroups", Unknown(cgroups), "if they are not another daemon's with the same namespace: kill what is in "
                + "cgroup.procs, and rmdir them"),
            new("mounts and namespaces", Unknown(mounts), "umount -l them"),
        ];

        IReadOnlyList<Trace> Unknown(IEnumerable<Trace> traces) => [.. traces.Where(t => !known.Contains(t.Container))];
    }

    private IEnumerable<Trace> Directories()
    {
        foreach (var parent in (string[])["bundles", "fifo", "shims"])
            foreach (var (path, container) in Below(Path.Join(state, parent), Directory.EnumerateDirectories))
                yield return new Trace(path, container);
        foreach (var (path, file) in Below(ContainerLog.DirectoryIn(root), Directory.EnumerateFiles))
            yield return new Trace(path, file[..Math.Max(0, file.LastIndexOf(".log", StringComparison.Ordinal))]);
    }

    /// <summary>Entries of <c>PARENT/NAMESPACE</c>. The shims in <c>~</c> have hashes for names.</summary>
    private static IEnumerable<(string Path, string Name)> Below(string parent, Func<string, IEnumerable<string>> list)
    {
        if (!Directory.Exists(parent)) yield break;
        foreach (var @namespace in Directory.EnumerateDirectories(parent))
            foreach (var path in list(@namespace))
                if (Path.GetFileName(@namespace) is not "~" and var name) yield return (path, $"{name}/{Path.GetFileName(path)}");
    }

    private static IEnumerable<Trace> Cgroups(IReadOnlyList<string> namespaces)
    {
        var hierarchies = CgroupHierarchies.Discover();
        return namespaces.SelectMany(name => hierarchies.DirectoriesOf("/" + name).Values.Distinct().Where(Directory.Exists)
            .SelectMany(Directory.EnumerateDirectories).Select(path => new Trace(path, $"{name}/{Path.GetFileName(path)}")));
    }

    /// <summary>Below <c>STATE/bundles/NAMESPACE/ID</c> and its like; a namespace that is kept is a mount of nsfs.</summary>
    private IEnumerable<Trace> Mounts() =>
        MountLine.Of("self").Where(m => m.Point != state && MountLine.IsBelow(m.Point, state))
            .Select(m => (m.Point, Words: m.Point[(state.Length + 1)..].Split('/')))
            .Where(m => m.Words is ["bundles" or "fifo" or "shims", _, _, ..])
            .Select(m => new Trace(m.Point, $"{m.Words[1]}/{m.Words[2]}"));
}
