namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>supervisor-oci run beside crun and runc.</summary>
internal static class OciSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        var ours = Path.Combine(run.Bin, "supervisor-oci");
        var bundle = await Bundle.ForCommandLineAsync(
            Path.Combine(run.Root, run.NewName("bundle")), ours, $"/{run.Cgroup}/oci", stop);
        List<string> runtimes = [ours, .. run.Others.Select(b => Path.Combine(b, "supervisor-oci")),
            .. ((string[])["crun", "runc"]).Select(Peers.PathOf).OfType<string>()];
        var times = await CommandTurns.RunWithoutUnifiedAsync(
            run, [.. runtimes.Select(r => (string[])[r, "run", "--bundle", bundle.Directory, CommandTurns.Id])], run.Rounds,
            stop);
        var names = run.Daemons.Take(1 + run.Others.Count).Select(d => d.Name).Skip(1).Prepend("supervisor-oci");
        var table = new Table("supervisor-oci run",
            "`RUNTIME run --bundle DIR ID` of the default spec and a program that exits at once, from fork to exit. "
            + "The processor time is the runtime's and the container's.",
            [.. names, .. runtimes.Skip(1 + run.Others.Count).Select(r => Path.GetFileName(r))]);
        table.Add("wall time", times.Select(t => t.Wall));
        table.Add("processor time", times.Select(t => t.Processor));
        return [table];
    }
}
