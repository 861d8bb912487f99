using System.Globalization;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Cgroups;

/// <summary>The processes in some cgroup directories and in those below.</summary>
internal sealed class CgroupMembers
{
    private const int MostDirectories = 100_000; // a container may make cgroups of its own; this many is abuse

    private CgroupMembers(IReadOnlyList<int> pids, int hidden) => (Pids, Hidden) = (pids, hidden);

    /// <summary>Process ids, ascending, each once.</summary>
    public IReadOnlyList<int> Pids { get; }

    /// <summary>Entries of processes outside our pid namespace, which the kernel lists as 0.</summary>
    public int Hidden { get; }

    public bool IsEmpty => Pids.Count == 0 && Hidden == 0;

    public static CgroupMembers Of(IEnumerable<string> directories)
    {
        var pids = new SortedSet<int>();
        var hidden = 0;
        foreach (var directory in directories.SelectMany(Tree))
            foreach (var line in (CgroupFile.TryRead(directory + "/cgroup.procs") ?? "")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var pid = int.Parse(line, NumberStyles.None, CultureInfo.InvariantCulture);
                if (pid == 0) hidden++;
                else pids.Add(pid);
            }
        return new CgroupMembers([.. pids], hidden);
    }

    /// <summary>Sends a signal to every process in some directories and below.</summary>
    /// <returns>False when there was none.</returns>
    public static bool Signal(IReadOnlyList<string> directories, int signal) => Signal(directories, Of(directories).Pids, signal);

    /// <summary>
    /// As <see cref="Signal(IReadOnlyList{string}, int)"/>, to those of <paramref name="pids"/> that are still members. A pid may
    /// have been reused since it was listed: finding it in the cgroup again while the pidfd is open proves that the pidfd refers
    /// to a member, or to a process that is already dead.
    /// </summary>
    public static bool Signal(IReadOnlyList<string> directories, IReadOnlyList<int> pids, int signal)
    {
        var any = false;
        var held = new List<(int Pid, Pidfd Pidfd)>(pids.Count);
        try
        {
            foreach (var pid in pids)
                if (TryOpen(pid) is { } pidfd) held.Add((pid, pidfd));
            if (held.Count == 0) return false;
            var still = Of(directories).Pids.ToHashSet();
            foreach (var (pid, pidfd) in held) any |= still.Contains(pid) && pidfd.TrySignal(signal);
            return any;
        }
        finally
        {
            foreach (var (_, pidfd) in held) pidfd.Dispose();
        }
    }

    /// <summary>Opens a process that was listed.</summary>
    /// <returns>Null when it is gone; its pid may be the id of another process's thread by now: EINVAL, or ENOENT since
    /// Linux 6.15.</returns>
    public static Pidfd? TryOpen(int pid)
    {
        try
        {
            return Pidfd.TryOpen(pid);
        }
        catch (SyscallException e) when (e.Errno is Errno.EINVAL or Errno.ENOENT)
        {
            return null;
        }
    }

    /// <summary>A directory and all below it, parents before children. Directories removed meanwhile are left out.</summary>
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
