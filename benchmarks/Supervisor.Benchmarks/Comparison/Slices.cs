using System.Diagnostics;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>A rate, measured in slices of a second: contestants take turns in them.</summary>
/// <param name="once">The work, done by several callers at the same time.</param>
internal sealed class Slices(Func<Task> once)
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(1);
    private TimeSpan _spent;

    public int Done { get; private set; }

    public double PerSecond => Done / _spent.TotalSeconds;

    public void Clear() => (Done, _spent) = (0, TimeSpan.Zero);

    /// <summary>What begins within a second; ends when all of it has ended.</summary>
    public async Task RunAsync(int inFlight)
    {
        var began = Stopwatch.GetTimestamp();
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(began) < Length)
            {
                await once();
                Interlocked.Increment(ref done);
            }
        }));
        Done += done;
        _spent += Stopwatch.GetElapsedTime(began);
    }
}
