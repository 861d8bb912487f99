using System.Diagnostics;

namespace Supervisor.Benchmarks;

/// <summary>One number: the median of several rounds, after warm-up rounds (the JIT needs two to reach its last tier).</summary>
/// <param name="Round">Does the work once and returns the number of that round, in <paramref name="Unit"/>.</param>
internal sealed record Benchmark(string Name, string Unit, Func<Task<double>> Round)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task<double> Median(int warmUps = 2, int rounds = 5)
    {
        for (var i = 0; i < warmUps; i++) await Once();
        var results = new double[rounds];
        for (var i = 0; i < rounds; i++) results[i] = await Once();
        Array.Sort(results);
        return results[rounds / 2];
    }

    private Task<double> Once() => Round().WaitAsync(Patience);

    /// <returns>Operations per second.</returns>
    public static async Task<double> Rate(int count, Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
