using System.Globalization;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Cgroups;

/// <summary>Who is in some cgroup directories and in those below.</summary>
internal sealed class CgroupMembers
{
    private const int MostDirectories = 100_000; // a container may make cgroups of its own; this many is no longer a use

    private CgroupMembers(IReadOnlyList<int> pids, int hidden) => (Pids, Hidden) = (pids, hidden);

    /// <summary>Process ids, ascending, each once.</summary>
    public IReadOnlyList<int> Pids { get; }

    /// <summary>Entries of processes outside of our pid namespace, which the kernel lists as 0.</summary>
    public int Hidden { get; }

    public bool IsEmpty => Pids.Count == 0 && Hidden == 0;

    public static CgroupMembers Of(IEnumerable<string> directories)
    {
        var pids = new SortedSet<int>();
        var hidden = 0;
        foreach (var directory in directories.SelectMany(Tree))
            foreach (var line in (CgroupFile.TryRead(directory + "/cgroup.procs") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var pid = int.Parse(line, NumberStyles.None, CultureInfo.InvariantCulture);
                if (pid == 0) hidden++;
                else pids.Add(pid);
            }
        return new CgroupMembers([.. pids], hidden);
    }

    /// <summary>A directory and all below it, parents before children. What vanishes on the way is left out.</summary>
    public static IReadOnlyList<string> Tree(string root)
    {
        var found = new List<string> { root };
        for (var i = 0; i < found.Count; i++)
        {
            if (FileStatus.HasNoDirectories(found[i])) continue; // one call in place of five: the usual case
            try { found.AddRange(Directory.EnumerateDirectories(found[i])); }
            catch (DirectoryNotFoundException) { }
            catch (IOException) when (!Directory.Exists(found[i])) { } // ENODEV: removed while it was being listed
            if (found.Count > MostDirectories)
                throw new CgroupException(root, null, Errno.E2BIG, $"more than {MostDirectories} cgroups are below it");
        }
        return found;
    }

    /// <summary>The first few, for an error's text.</summary>
    public override string ToString()
    {
        const int shown = 10;
        var text = string.Join(", ", Pids.Take(shown));
        if (Pids.Count > shown) text += $" and {Pids.Count - shown} more";
        return Hidden == 0 ? $"pid {text}" : $"{(Pids.Count > 0 ? $"pid {text} and " : "")}{Hidden} outside of our pid namespace";
    }
}
