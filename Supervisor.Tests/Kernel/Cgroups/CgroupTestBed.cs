using System.Diagnostics;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>A fact about real cgroups, skipped where they cannot be created.</summary>
public sealed class CgroupFactAttribute : FactAttribute
{
    public CgroupFactAttribute() => Skip = CgroupTestBed.WhyNot;
}

/// <summary>As <see cref="CgroupFactAttribute"/>, for a theory.</summary>
public sealed class CgroupTheoryAttribute : TheoryAttribute
{
    public CgroupTheoryAttribute() => Skip = CgroupTestBed.WhyNot;
}

/// <summary>The cgroups of one test, under a directory of its own, and shells in them. Disposing removes all.</summary>
internal sealed class CgroupTestBed : IDisposable
{
    /// <summary>Collection of the tests that create cgroups: they share the controllers enabled at the v2 root.</summary>
    public const string OneAtATime = "cgroups of this host";

    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly List<Process> _processes = [];
    private readonly List<Cgroup> _cgroups = [];
    private readonly string[] _enabledBefore = EnabledControllers();

    /// <param name="view">v1, v2 or both: which of this host's trees the test sees.</param>
    public CgroupTestBed(string view = "both")
    {
        var own = File.ReadAllLines("/proc/self/cgroup")
            .Where(l => view == "both" || l.StartsWith("0::", StringComparison.Ordinal) == (view == "v2"));
        Hierarchies = CgroupHierarchies.Parse(File.ReadAllText("/proc/self/mountinfo"), string.Join('\n', own));
        Directory = $"/supervisor-test-{Guid.NewGuid():N}";
    }

    public static string? WhyNot { get; } =
        Environment.UserName != "root" ? "needs root"
        : CgroupHierarchies.Discover().Layout is not CgroupLayout.Hybrid
            ? "written for a host with v1 controllers and a v2 tree beside them"
        : null;

    public CgroupHierarchies Hierarchies { get; }

    /// <summary>Requested limits that no controller of this host supports.</summary>
    public List<UnsupportedField> NotApplied { get; } = [];

    /// <summary>The parent of the test's cgroups, as the start of a cgroup path.</summary>
    public string Directory { get; }

    public Cgroup Create(string name, ResourcesSpec? resources = null)
    {
        var cgroup = CgroupLimits.Create(Hierarchies, $"{Directory}/{name}", resources, NotApplied.Add);
        _cgroups.Add(cgroup);
        return cgroup;
    }

    public static string Read(Cgroup cgroup, string controller, string file) =>
        File.ReadAllText($"{cgroup.Paths[controller]}/{file}").Trim();

    /// <summary>Starts a shell that joins the cgroup and then runs the script. Returns once it has joined.</summary>
    public Process Run(Cgroup cgroup, string script)
    {
        var joins = string.Join("; ", cgroup.Paths.Values.Distinct().Select(d => $"echo $$ > '{d}/cgroup.procs' || exit 99"));
        var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", $"{joins}; echo joined; {script}"]) { RedirectStandardOutput = true })!;
        _processes.Add(process);
        Assert.Equal("joined", Line(process));
        return process;
    }

    public static string? Line(Process process)
    {
        var line = process.StandardOutput.ReadLineAsync();
        Assert.True(line.Wait(Deadline), "no line from the shell");
        return line.Result;
    }

    public static void Exited(Process process) => Assert.True(process.WaitForExit(Deadline), $"pid {process.Id} is still there");

    /// <summary>Waits for a condition that can only be polled.</summary>
    public static void Until(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Deadline, $"timed out waiting for: {what}");
            Thread.Yield();
        }
    }

    /// <summary>All directories of this test, in all trees.</summary>
    public IEnumerable<string> Left() => CgroupHierarchies.Discover().All.Select(h => h.MountPoint + Directory)
        .Where(System.IO.Directory.Exists)
            .SelectMany(d => System.IO.Directory.EnumerateDirectories(d, "*", SearchOption.AllDirectories));

    public void Dispose()
    {
        foreach (var cgroup in _cgroups.Where(c => c.Exists))
        {
            cgroup.KillAll(Deadline);
            cgroup.Delete(Deadline);
        }
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.WaitForExit(Deadline);
            process.Dispose();
        }
        foreach (var hierarchy in CgroupHierarchies.Discover().All)
        {
            var directory = hierarchy.MountPoint + Directory;
            if (!System.IO.Directory.Exists(directory)) continue;
            foreach (var below in System.IO.Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories)
                .OrderByDescending(d => d.Length))
                System.IO.Directory.Delete(below);
            System.IO.Directory.Delete(directory);
        }
        foreach (var controller in EnabledControllers().Except(_enabledBefore))
            File.WriteAllText(Root + "/cgroup.subtree_control", "-" + controller);
    }

    private static string? Root => CgroupHierarchies.Discover().V2?.MountPoint;

    private static string[] EnabledControllers() =>
        Root is { } root ? File.ReadAllText(root + "/cgroup.subtree_control")
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries) : [];
}
