using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>The parents of containers' cgroups that a shim keeps for a while.</summary>
[Collection(CgroupTestBed.OneAtATime)]
public sealed class CgroupParentsTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);
    private readonly string _record = Path.Join(Path.GetTempPath(), $"supervisor-parents-{Guid.NewGuid():N}");
    private readonly CgroupTestBed _bed = new();

    public void Dispose()
    {
        _bed.Dispose();
        File.Delete(_record);
    }

    [CgroupFact]
    public void Parents_are_kept_for_the_next_container_and_removed_when_they_have_not_been_used()
    {
        using var parents = new CgroupParents(TimeSpan.FromMilliseconds(300), _record, Assert.Null);
        CreateAndDelete(parents);
        var kept = Parents().Select(Inode).ToArray();
        CreateAndDelete(parents);
        Assert.Equal(kept, Parents().Select(Inode));
        CgroupTestBed.Until(() => Parents().Length == 0 && !File.Exists(_record), "the parents' removal");
    }

    [CgroupFact]
    public void A_parent_with_a_container_in_it_stays_until_that_is_removed()
    {
        using var parents = new CgroupParents(TimeSpan.FromMilliseconds(100), _record, Assert.Null);
        var cgroup = Create(parents, "stays");
        CreateAndDelete(parents);
        CgroupTestBed.Until(() => !File.Exists(_record), "nothing to be kept any more");
        Assert.Equal(_bed.Hierarchies.All.Count, Parents().Length);
        cgroup.Delete(CgroupTestBed.Deadline, parents);
        CgroupTestBed.Until(() => Parents().Length == 0, "the parents' removal");
    }

    [CgroupFact]
    public void Disposing_removes_what_is_kept()
    {
        var parents = new CgroupParents(Long, _record, Assert.Null);
        CreateAndDelete(parents);
        Assert.NotEmpty(Parents());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_record));
        parents.Dispose();
        Assert.Empty(Parents());
        Assert.False(File.Exists(_record));
        CreateAndDelete(parents); // still works, and keeps nothing
        Assert.Empty(Parents());
    }

    [CgroupFact]
    public void What_a_killed_process_kept_is_removed_by_the_next_one_and_no_directory_of_others()
    {
        var killed = new CgroupParents(Long, _record, Assert.Null); // never disposed
        CreateAndDelete(killed);
        var others = Directory.CreateDirectory(_bed.Hierarchies.All[0].MountPoint + _bed.Directory + "-others").FullName;
        try
        {
            File.AppendAllText(_record, others + "\n");
            using var next = new CgroupParents(Long, _record, Assert.Null);
            Assert.Empty(Parents());
            Assert.True(Directory.Exists(others));
            CreateAndDelete(killed); // what it had open is gone: it is opened again
        }
        finally
        {
            Directory.Delete(others);
            killed.Dispose();
        }
    }

    [CgroupFact]
    public void A_kept_parent_that_a_user_removes_and_makes_again_is_used_as_it_is()
    {
        using var parents = new CgroupParents(Long, _record, Assert.Null);
        CreateAndDelete(parents);
        foreach (var parent in Parents()) Directory.Delete(parent);
        CreateAndDelete(parents);
        foreach (var parent in Parents())
        {
            Directory.Delete(parent);
            Directory.CreateDirectory(parent);
        }
        CreateAndDelete(parents);
        parents.Dispose();
        Assert.Equal(_bed.Hierarchies.All.Count, Parents().Length); // they are the user's now
    }

    [CgroupFact]
    public void A_container_is_refused_in_a_kept_parent_that_was_frozen_meanwhile()
    {
        using var parents = new CgroupParents(Long, _record, Assert.Null);
        CreateAndDelete(parents);
        var freezer = Parents().Single(p => p.Contains("/freezer/", StringComparison.Ordinal)) + "/freezer.state";
        File.WriteAllText(freezer, "FROZEN");
        Assert.Equal(Errno.EBUSY, Assert.Throws<CgroupException>(() => Create(parents, "frozen")).Errno);
        Assert.Empty(_bed.Left());
        File.WriteAllText(freezer, "THAWED");
        CreateAndDelete(parents);
    }

    private Cgroup Create(CgroupParents parents, string name) => CgroupLimits.Create(
        _bed.Hierarchies, $"{_bed.Directory}/{name}", new ResourcesSpec { Pids = new PidsSpec { Limit = 9 } }, null, parents);

    private void CreateAndDelete(CgroupParents parents)
    {
        var cgroup = Create(parents, "c");
        Assert.All(cgroup.Directories, d => Assert.True(Directory.Exists(d)));
        Assert.NotEqual("", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.cpus"));
        Assert.NotEqual("", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.mems"));
        Assert.True(cgroup.TryDeleteEmpty(parents));
    }

    private static ulong Inode(string directory)
    {
        using var fd = Fd.Open(directory, OpenFlags.O_RDONLY);
        return FileStatus.InodeOf(fd);
    }

    private string[] Parents() => [.. _bed.Hierarchies.All.Select(h => h.MountPoint + _bed.Directory).Where(Directory.Exists)];
}
