using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// A container's cgroup: one directory in every hierarchy of the host. On a hybrid host each limit goes to the hierarchy that
/// has its controller. It holds no descriptors and no state except names, so it can be opened again after a restart.
/// </summary>
public sealed class Cgroup
{
    /// <summary>Key of the v2 directory in <see cref="Paths"/>.</summary>
    public const string V2Key = "";

    private Cgroup(IReadOnlyDictionary<string, string> paths)
    {
        Paths = paths;
        Directories = [.. paths.Values.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Directories by v1 controller (a named hierarchy as <c>name=systemd</c>) and, under <see cref="V2Key"/>, of v2.
    /// </summary>
    public IReadOnlyDictionary<string, string> Paths { get; }

    /// <summary>Each directory once.</summary>
    internal IReadOnlyList<string> Directories { get; }

    /// <summary>The v2 directory; null on a v1 host.</summary>
    internal string? V2Directory => Paths.GetValueOrDefault(V2Key);

    /// <summary>Whether there is no v1 hierarchy.</summary>
    internal bool IsPureV2 => Paths.Count == 1 && V2Directory is not null;

    /// <summary>Creates the cgroup. Leaves nothing behind when it fails.</summary>
    /// <param name="cgroupsPath">Absolute: from each mount's root. Relative: below our own cgroup.</param>
    /// <param name="controllers">The v2 controllers that <paramref name="setUp"/> needs.</param>
    /// <param name="setUp">Sets the limits before a process joins.</param>
    /// <param name="parents">Where its parents are kept; null where they are not.</param>
    /// <exception cref="ArgumentException">A path that could lead out of the mount.</exception>
    /// <exception cref="CgroupException">It exists and has processes or is frozen.</exception>
    public static Cgroup Create(
        CgroupHierarchies hierarchies, string cgroupsPath, IReadOnlySet<string> controllers, Action<Cgroup> setUp,
        CgroupParents? parents = null)
    {
        var paths = hierarchies.DirectoriesOf(cgroupsPath);
        if (paths.Count == 0)
            throw new CgroupException("/proc/self/mountinfo", null, Errno.ENOENT, "no cgroup file system is mounted");
        var builder = new CgroupBuilder(parents ?? CgroupParents.NotKept);
        try
        {
            foreach (var hierarchy in hierarchies.All) builder.Make(hierarchy, cgroupsPath);
            if (hierarchies.V2 is { } v2)
                builder.EnableControllers(v2, cgroupsPath, controllers, all: !paths.ContainsKey("memory"));
            var cgroup = new Cgroup(paths);
            if (builder.IsFrozen || Freezer.TryOf(cgroup) is FreezerV2 { IsEffectivelyFrozen: true })
                throw new CgroupException(
                    cgroup.FreezerDirectory!, null, Errno.EBUSY,
                    "a parent cgroup is frozen, so no process could start in it; thaw the parent first");
            setUp(cgroup);
            return cgroup;
        }
        catch
        {
            builder.Undo();
            throw;
        }
    }

    /// <summary>Opens a cgroup that was created before a restart.</summary>
    /// <param name="paths">Its <see cref="Paths"/>.</param>
    public static Cgroup Open(IReadOnlyDictionary<string, string> paths)
    {
        foreach (var path in paths.Values)
            if (CgroupPath.FindError(path) is { } error || !path.StartsWith('/'))
                throw new ArgumentException($"\"{path}\" is not a cgroup directory", nameof(paths));
        return new Cgroup(new Dictionary<string, string>(paths, StringComparer.Ordinal));
    }

    /// <summary>Whether any of its directories exists.</summary>
    public bool Exists => Directories.Any(Directory.Exists);

    /// <summary>
    /// Write-only descriptors of every v1 hierarchy's <c>tasks</c>: a child that writes <c>0</c> to each is in the cgroup before
    /// it runs anything else. On failure none stays open.
    /// </summary>
    /// <remarks>
    /// Not cgroup.procs: to move a whole process, the kernel waits until no thread anywhere is being forked (an RCU grace period,
    /// 10 ms and more under load). A thread that moves only itself waits for nothing, and the child has no other.
    /// </remarks>
    public IReadOnlyList<Fd> OpenTasksFiles()
    {
        var opened = new List<Fd>(Directories.Count);
        try
        {
            foreach (var directory in Directories)
                if (directory != V2Directory) opened.Add(Fd.Open(directory + "/tasks", OpenFlags.O_WRONLY));
            return opened;
        }
        catch
        {
            opened.ForEach(fd => fd.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The directory for <c>CLONE_INTO_CGROUP</c> (clone(2), Linux 5.7), which waits for nothing either; null on a v1 host.
    /// </summary>
    public Fd? OpenV2Directory() =>
        V2Directory is { } directory ? Fd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY) : null;

    /// <summary>Whether one hierarchy has no process in it or below. Called at every exit of a container.</summary>
    internal bool IsEmpty
    {
        get
        {
            if (Paths.TryGetValue("pids", out var pids) && CgroupFile.TryReadNumber(pids + "/pids.current") is ulong current)
                return current == 0;
            if (IsPureV2 && CgroupFile.TryRead(V2Directory + "/cgroup.events") is { } events)
                return CgroupText.Numbers(events).GetValueOrDefault("populated") == 0;
            return CgroupMembers.Of(Directories).IsEmpty;
        }
    }

    /// <summary>
    /// Every process in it and in the cgroups below, from all hierarchies, ascending. Processes outside our pid namespace are not
    /// visible.
    /// </summary>
    public IReadOnlyList<int> Processes() => CgroupMembers.Of(Directories).Pids;

    /// <summary>
    /// Sends a signal to every process in it and below, each through a pidfd that is checked to be still a member. SIGKILL also
    /// reaches frozen processes.
    /// </summary>
    /// <returns>False when there was no process.</returns>
    public bool SignalAll(int signal)
    {
        var any = CgroupMembers.Signal(Directories, signal);
        if (signal == (int)Signal.SIGKILL) ThawAfterKill();
        return any;
    }

    /// <summary>
    /// To be called after a SIGKILL: a process in a frozen v1 cgroup does not exit before it is thawed, so this thaws every
    /// freezer in the cgroup and below. v2 freezers let SIGKILL through.
    /// Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.
    /// </summary>
    public void ThawAfterKill()
    {
        if (Paths.TryGetValue("freezer", out var v1)) FreezerV1.ThawTree(v1);
    }

    /// <summary>Stops every process in it and below, until <see cref="Thaw"/>.</summary>
    /// <exception cref="TimeoutException">Some had not stopped in time; all have been thawed again.</exception>
    public void Freeze(TimeSpan timeout) => Freezer.Of(this).Freeze(timeout);

    /// <summary>Lets the processes continue.</summary>
    /// <exception cref="TimeoutException">The kernel did not thaw them in time.</exception>
    public void Thaw(TimeSpan timeout) => Freezer.Of(this).Thaw(timeout);

    /// <summary>Whether it is frozen, no matter by which process.</summary>
    public bool IsFrozen => Freezer.TryOf(this)?.IsFrozen ?? false;

    /// <summary>Kills every process in it and below, forks in flight included, and returns when none is left. Thaws it.</summary>
    /// <exception cref="InvalidOperationException">We are in it ourselves.</exception>
    /// <exception cref="TimeoutException">Some did not die in time, e.g. stuck in the kernel; the message names them.</exception>
    public void KillAll(TimeSpan timeout) => new CgroupKiller(this).Kill(timeout);

    /// <summary>
    /// Removes its directories and those below, then the parents that were created for it and are empty. A directory that is
    /// already gone is no error.
    /// </summary>
    /// <exception cref="CgroupException">EBUSY: processes were still in it at the deadline.</exception>
    public void Delete(TimeSpan timeout, CgroupParents? parents = null) =>
        CgroupRemoval.Remove(this, timeout, parents ?? CgroupParents.NotKept);

    /// <summary>Removes it if it is empty, at a fraction of the cost of listing its processes.</summary>
    /// <returns>False when part of it is left: call <see cref="KillAll"/> and <see cref="Delete"/>.</returns>
    public bool TryDeleteEmpty(CgroupParents? parents = null)
    {
        // A populated directory cannot be removed, and a process is in one of every hierarchy: the first refusal decides.
        foreach (var directory in Directories)
            if (CgroupFile.TryRemoveDirectory(directory) is not Errno.None) return false;
        (parents ?? CgroupParents.NotKept).RemoveOf(Directories);
        return true;
    }

    /// <summary>Where its freezer is; null where there is none.</summary>
    internal string? FreezerDirectory => Freezer.TryOf(this) is null ? null : Paths.GetValueOrDefault("freezer") ?? V2Directory;

    /// <summary>What has been used.</summary>
    public CgroupStats Stats() => new StatsReader(this).Read();

    /// <summary>
    /// How many processes in it and below the OOM killer has killed. On v1, cgroups below that were removed no longer count.
    /// </summary>
    public ulong OomKills() => OomCounter.Read(this);

    /// <summary>A descriptor for epoll that reports when memory runs out; null without a memory controller.</summary>
    public OomNotifier? OpenOomNotifier() => OomNotifier.TryOpen(this);

    /// <summary>Where a controller is, and which version's rules apply; null where it is missing.</summary>
    /// <param name="v1">Its name in v1.</param>
    /// <param name="v2">Its name in v2 where it differs.</param>
    internal ControllerDirectory? Find(string v1, string? v2 = null)
    {
        if (Paths.TryGetValue(v1, out var directory)) return new ControllerDirectory(directory, IsV2: false);
        if (V2Directory is not { } unified) return null;
        var has = CgroupFile.TryRead(unified + "/cgroup.controllers")?.Split((char[])[' ', '\n']).Contains(v2 ?? v1) ?? false;
        return has ? new ControllerDirectory(unified, IsV2: true) : null;
    }
}

/// <summary>Where a controller's files are, and which version's rules apply.</summary>
internal sealed record ControllerDirectory(string Path, bool IsV2);
