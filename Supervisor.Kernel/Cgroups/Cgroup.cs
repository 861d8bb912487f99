using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// A container's cgroup: one directory in every tree of the host. On a hybrid host each limit goes to the tree that has
/// its controller. Holds no descriptors and no state besides names, so it can be opened again after a restart.
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
    /// Directories by v1 controller (a named tree as <c>name=systemd</c>) and, under <see cref="V2Key"/>, of v2.
    /// </summary>
    public IReadOnlyDictionary<string, string> Paths { get; }

    /// <summary>Each directory once.</summary>
    internal IReadOnlyList<string> Directories { get; }

    /// <summary>The v2 directory; null on a v1 host.</summary>
    internal string? V2Directory => Paths.GetValueOrDefault(V2Key);

    /// <summary>Whether there is no v1 tree.</summary>
    internal bool IsPureV2 => Paths.Count == 1 && V2Directory is not null;

    /// <summary>Makes the cgroup. Leaves nothing behind when it fails.</summary>
    /// <param name="cgroupsPath">Absolute: from each mount's root. Relative: below our own cgroup.</param>
    /// <param name="controllers">The v2 controllers that <paramref name="setUp"/> needs.</param>
    /// <param name="setUp">Sets the limits, before a process is in it.</param>
    /// <exception cref="ArgumentException">A path that could lead out of the mount.</exception>
    /// <exception cref="CgroupException">It exists and has processes or is frozen.</exception>
    public static Cgroup Create(
        CgroupHierarchies hierarchies, string cgroupsPath, IReadOnlySet<string> controllers, Action<Cgroup> setUp)
    {
        var paths = hierarchies.DirectoriesOf(cgroupsPath);
        if (paths.Count == 0)
            throw new CgroupException("/proc/self/mountinfo", null, Errno.ENOENT, "no cgroup file system is mounted");
        var builder = new CgroupBuilder();
        try
        {
            foreach (var hierarchy in hierarchies.All) builder.Make(hierarchy, cgroupsPath);
            if (hierarchies.V2 is { } v2)
                builder.EnableControllers(v2, cgroupsPath, controllers, all: !paths.ContainsKey("memory"));
            var cgroup = new Cgroup(paths);
            if (Freezer.TryOf(cgroup) is { IsHeldFrozen: true })
                throw new CgroupException(
                    cgroup.FreezerDirectory!, null, Errno.EBUSY,
                    "a cgroup above it is frozen: nothing could start in it; thaw that one first");
            setUp(cgroup);
            return cgroup;
        }
        catch
        {
            builder.Undo();
            throw;
        }
    }

    /// <summary>The cgroup that a former run made.</summary>
    /// <param name="paths"><see cref="Paths"/> of then.</param>
    public static Cgroup Open(IReadOnlyDictionary<string, string> paths)
    {
        foreach (var path in paths.Values)
            if (CgroupPath.Flaw(path) is { } flaw || !path.StartsWith('/'))
                throw new ArgumentException($"\"{path}\" is no directory of a cgroup", nameof(paths));
        return new Cgroup(new Dictionary<string, string>(paths, StringComparer.Ordinal));
    }

    /// <summary>Whether any of its directories is there.</summary>
    public bool Exists => Directories.Any(Directory.Exists);

    /// <summary>
    /// Write-only descriptors of every tree's cgroup.procs: a child that writes <c>0</c> to each is in the cgroup before it
    /// runs anything else. On failure none stays open.
    /// </summary>
    public IReadOnlyList<Fd> OpenProcsFiles()
    {
        var opened = new List<Fd>(Directories.Count);
        try
        {
            foreach (var directory in Directories) opened.Add(Fd.Open(directory + "/cgroup.procs", OpenFlags.O_WRONLY));
            return opened;
        }
        catch
        {
            opened.ForEach(fd => fd.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The directory for <c>CLONE_INTO_CGROUP</c> (clone(2), Linux 5.7); null where a v1 tree must be joined as well.
    /// </summary>
    public Fd? OpenV2Directory() => IsPureV2 ? Fd.Open(V2Directory!, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY) : null;

    /// <summary>Whether no process is in it or below, as one tree has it: asked at every end of a container.</summary>
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
    /// Every process in it and in the cgroups below, from all trees, ascending. Processes outside of our pid namespace are not
    /// seen.
    /// </summary>
    public IReadOnlyList<int> Processes() => CgroupMembers.Of(Directories).Pids;

    /// <summary>
    /// Sends a signal to every process in it and below, each through a pidfd that is checked to be a member's still. SIGKILL
    /// reaches frozen ones too.
    /// </summary>
    /// <returns>False when there was none.</returns>
    public bool SignalAll(int signal)
    {
        var any = CgroupMembers.Signal(Directories, signal);
        if (signal == (int)Signal.SIGKILL) LetKilledEnd();
        return any;
    }

    /// <summary>
    /// For after a SIGKILL: a process that a v1 freezer holds does not end before it is thawed, so every freezer in the cgroup
    /// and below
    /// is. Those of v2 let the signal through. Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.
    /// </summary>
    public void LetKilledEnd()
    {
        if (Paths.TryGetValue("freezer", out var v1)) FreezerV1.ThawTree(v1);
    }

    /// <summary>Stops every process in it and below, until <see cref="Thaw"/>.</summary>
    /// <exception cref="TimeoutException">Not all had stopped in time; they have been let go again.</exception>
    public void Freeze(TimeSpan timeout) => Freezer.Of(this).Freeze(timeout);

    /// <summary>Lets them go on.</summary>
    /// <exception cref="TimeoutException">The kernel had not done so in time.</exception>
    public void Thaw(TimeSpan timeout) => Freezer.Of(this).Thaw(timeout);

    /// <summary>Whether it is frozen, by whomever.</summary>
    public bool IsFrozen => Freezer.TryOf(this)?.IsFrozen ?? false;

    /// <summary>Kills every process in it and below, forks in flight included, and returns when none is left. Thaws it.</summary>
    /// <exception cref="InvalidOperationException">We are in it ourselves.</exception>
    /// <exception cref="TimeoutException">Some did not die in time, e.g. stuck in the kernel; the message names them.</exception>
    public void KillAll(TimeSpan timeout) => new CgroupKiller(this).Kill(timeout);

    /// <summary>
    /// Removes its directories and those below, then the parents that were made for it and are empty. What is gone already is no
    /// error.
    /// </summary>
    /// <exception cref="CgroupException">EBUSY: processes were still in it at the deadline.</exception>
    public void Delete(TimeSpan timeout) => CgroupRemoval.Remove(this, timeout);

    /// <summary>Removes it if nothing is in it, at a fraction of the cost of looking who is.</summary>
    /// <returns>False when some of it is still there: <see cref="KillAll"/> and <see cref="Delete"/> do the rest.</returns>
    public bool TryDeleteEmpty()
    {
        // Of populated directories none goes away, and a process is in one of every tree: the first refusal ends it.
        foreach (var directory in Directories)
            if (CgroupFile.TryRemoveDirectory(directory) is not Errno.None) return false;
        CgroupParents.RemoveEmpty(Directories);
        return true;
    }

    /// <summary>Where its freezer is; null where there is none.</summary>
    internal string? FreezerDirectory => Freezer.TryOf(this) is null ? null : Paths.GetValueOrDefault("freezer") ?? V2Directory;

    /// <summary>What has been used.</summary>
    public CgroupStats Stats() => new StatsReader(this).Read();

    /// <summary>
    /// How many processes in it and below the kernel has killed for want of memory. Cgroups that were removed below no longer
    /// count on v1.
    /// </summary>
    public ulong OomKills() => OomCounter.Read(this);

    /// <summary>Something for epoll that tells when memory has run out; null without a memory controller.</summary>
    public OomNotifier? OpenOomNotifier() => OomNotifier.TryOpen(this);

    /// <summary>Where a controller is, and by which version's rules; null where it is not.</summary>
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

/// <summary>Where a controller's files are, and by which version's rules.</summary>
internal sealed record ControllerDirectory(string Path, bool IsV2);
