namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>podman run, with supervisor-oci and with crun as its runtime.</summary>
internal static class PodmanSection
{
    public static bool IsPossible => Peers.Has("podman") && Peers.Has("crun");

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        var (root, state) = (Path.Combine(run.Root, "podman"), Path.Combine(run.State, "podman"));
        List<string> runtimes =
            [.. run.Others.Prepend(run.Bin).Select(b => Path.Combine(b, "supervisor-oci")), Peers.PathOf("crun")!];
        var times = await CommandTurns.RunWithoutUnifiedAsync(run, [.. runtimes.Select(r => (string[])
        [
            Peers.PathOf("podman")!, "--root", root, "--runroot", $"{state}/run", "--tmpdir", $"{state}/tmp",
            "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", r,
            "run", "--rm", "--network", "none", "--cgroup-parent", $"/{run.Cgroup}",
            // Its own default is more than some machines allow.
            "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=10000:10000",
            "--rootfs", run.Bundle.Rootfs, "/bin/busybox", "true",
        ])], Math.Max(5, run.Rounds / 5), stop);
        var table = new Table("podman run", "`podman run --rm --network none --rootfs DIR true`, from fork to exit.",
            ["with supervisor-oci", .. run.Daemons.Skip(1).Take(run.Others.Count).Select(d => $"with that of {d.Name}"),
                "with crun"]);
        table.Add("wall time", times.Select(t => t.Wall));
        return [table];
    }
}
