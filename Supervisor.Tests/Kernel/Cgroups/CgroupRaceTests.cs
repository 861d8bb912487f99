using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>Cgroups are created and deleted at the same time under one parent, which vanishes and comes back.</summary>
[Collection(CgroupTestBed.OneAtATime)]
public sealed class CgroupRaceTests
{
    [CgroupFact]
    public void Many_threads_create_and_delete_cgroups_that_a_process_can_join()
    {
        using var bed = new CgroupTestBed();
        CreateAndDelete(bed, threads: 8, rounds: 40);
        Assert.All(bed.Hierarchies.All, h => Assert.False(Directory.Exists(h.MountPoint + bed.Directory)));
    }

    [CgroupFact]
    public void Another_program_creates_and_removes_the_parent_without_filling_its_cpuset()
    {
        using var bed = new CgroupTestBed();
        var parents = bed.Hierarchies.All.Where(h => h.Controllers.Contains("cpuset"))
            .Select(h => new DirectoryInfo(h.MountPoint + bed.Directory)).ToArray();
        using var enough = new CancellationTokenSource();
        var other = Task.Factory.StartNew(() =>
        {
            while (!enough.IsCancellationRequested)
                foreach (var parent in parents)
                {
                    try
                    {
                        parent.Create();
                        parent.Delete();
                    }
                    catch (IOException)
                    {
                    } // it has a cgroup in it, or a container's removal was first
                }
        }, TaskCreationOptions.LongRunning);
        try
        {
            CreateAndDelete(bed, threads: 1, rounds: 400); // with more it would hardly ever be empty
        }
        finally
        {
            enough.Cancel();
            other.Wait();
        }
    }

    private static void CreateAndDelete(CgroupTestBed bed, int threads, int rounds)
    {
        // Each has a view of its own, as each process has.
        var all = Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(() =>
        {
            var hierarchies = CgroupHierarchies.Discover();
            for (var i = 0; i < rounds; i++)
            {
                var cgroup = CgroupLimits.Create(
                    hierarchies, $"{bed.Directory}/c{t}-{i}", new ResourcesSpec { Pids = new PidsSpec { Limit = 9 } });
                Assert.NotEqual("", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.cpus"));
                Assert.NotEqual("", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.mems"));
                if (i % 2 == 0 || !cgroup.TryDeleteEmpty()) cgroup.Delete(CgroupTestBed.Deadline);
            }
        }, TaskCreationOptions.LongRunning));
        Task.WaitAll([.. all]);
    }
}
