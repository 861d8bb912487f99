namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>The same container by ever more of the product: what each part adds to the kernel's own work.</summary>
internal static class LaunchSection
{
    /// <summary>Given how many are in flight and how many lives: the milliseconds that they took.</summary>
    private delegate Task<double> Live(int inFlight, int lives);

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var state = Directory.CreateDirectory(Path.Combine(run.State, run.NewName("runtime"))).FullName;
        var workers = new List<(string Name, LifeWorker Worker)>();
        try
        {
            workers.Add(("through the shim", Runtime("through", Path.Combine(run.Bin, "supervisor-shim"))));
            workers.Add(("in process", Runtime("in")));
            if (run.Floor is not null)
                workers.Add(("in C", new LifeWorker(run.Floor, run.Bundle.Rootfs, $"{run.Cgroup}/floor")));
            List<(string Name, Live Live)> contestants = [("through the API", (n, lives) => LivesAsync(daemons[0], n, lives))];
            foreach (var (name, worker) in workers) contestants.Add((name, (n, lives) => worker.LiveAsync(n, lives, stop)));
            foreach (var each in daemons.Skip(1)) contestants.Add((each.Kind.Name, (n, lives) => LivesAsync(each, n, lives)));
            return [await CompareAsync(run, contestants, stop)];
        }
        finally
        {
            foreach (var (_, worker) in workers) await worker.DisposeAsync();
        }

        LifeWorker Runtime(string name, params string[] shim)
        {
            var own = Directory.CreateDirectory(Path.Combine(state, name)).FullName;
            return new LifeWorker(Run.Program, ["runtime", run.Bundle.Directory, own, run.Cgroup, .. shim]);
        }
    }

    private static async Task<Table> CompareAsync(
        Run run, List<(string Name, Live Live)> contestants, CancellationToken stop)
    {
        var table = new Table("Launch: from C to the API",
            "One container made, run and removed: through the API; by the runtime library with a shim, and without one; and by a "
            + "C program that makes the same system calls and nothing else (benchmarks/floor.c), which is the floor.",
            contestants.ConvertAll(c => c.Name));
        var lives = contestants.ConvertAll(_ => new Samples());
        for (var round = -10; round < run.Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            for (var i = 0; i < contestants.Count; i++)
            {
                var time = await contestants[i].Live(1, 1);
                if (round >= 0) lives[i].Add(time);
            }
        }
        table.Add("a life", lives);
        foreach (var inFlight in (int[])[1, 8])
        {
            var (done, spent) = (new int[contestants.Count], new double[contestants.Count]);
            for (var slice = 0; slice < run.Seconds; slice++)
            {
                stop.ThrowIfCancellationRequested();
                for (var i = 0; i < contestants.Count; i++)
                {
                    // About half a second each, by the times of lives one by one.
                    var count = Math.Max(inFlight, (int)(500 / lives[i].P50 * (inFlight == 1 ? 1 : 2)));
                    spent[i] += await contestants[i].Live(inFlight, count);
                    done[i] += count;
                }
            }
            table.Add($"lives a second, {inFlight} at a time", [.. done.Select((d, i) => (double?)(d * 1e3 / spent[i]))]);
        }
        return table;
    }

    private static async Task<double> LivesAsync(Daemon daemon, int inFlight, int lives)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var left = lives;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await daemon.Client.LiveAsync();
        }));
        return ApiClient.Milliseconds(began);
    }
}
