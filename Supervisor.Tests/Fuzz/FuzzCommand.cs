using System.Diagnostics;
using System.Globalization;

namespace Supervisor.Tests.Fuzz;

/// <summary><c>./test fuzz [INPUTS] [SEED]</c>: the long run, which prints a line for each parser.</summary>
internal static class FuzzCommand
{
    /// <summary>The part of one parser in a whole run.</summary>
    public static long Part(FuzzTarget target, long inputs) =>
        (inputs * target.Share + FuzzTargets.All.Sum(t => t.Share) - 1) / FuzzTargets.All.Sum(t => t.Share);

    public static int Run(string inputs, string seed)
    {
        if (!long.TryParse(inputs, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || !int.TryParse(seed, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            Console.Error.WriteLine($"fuzz: \"{inputs}\" inputs, seed \"{seed}\": both are whole numbers");
            return 2;
        }
        Console.WriteLine($"seed {number}");
        var (passed, failed, total) = (0, 0, 0L);
        foreach (var target in FuzzTargets.All)
        {
            var clock = Stopwatch.StartNew();
            var result = FuzzRun.Over(target, Part(target, count), number);
            total += result.Inputs;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{target.Name,-16} {result.Inputs,8} inputs, {result.Accepted,8} accepted, "
                    + $"{result.Inputs - result.Accepted,8} refused, {clock.Elapsed.TotalSeconds,6:0.0} s"));
            if (result.Finding is null) passed++;
            else failed++;
            if (result.Finding is { } finding) Console.WriteLine($"FOUND in {target.Name}: {finding}");
        }
        Console.WriteLine($"{total} inputs in all");
        Console.WriteLine($"{passed} passed, {failed} failed, 0 skipped");
        return failed == 0 ? 0 : 1;
    }
}
