using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>Whole commands by turns: wall time from fork to exit, and processor time of the command and its children.</summary>
internal static partial class CommandTurns
{
    /// <summary>Stands in a command for an id that each run has of its own.</summary>
    public const string Id = "@ID@";

    private const int WarmUps = 2;

    /// <param name="Wall">Milliseconds.</param>
    /// <param name="Processor">Milliseconds, user and system.</param>
    public sealed record Times(Samples Wall, Samples Processor);

    /// <returns>In the order of <paramref name="commands"/>.</returns>
    public static async Task<List<Times>> RunAsync(IReadOnlyList<string[]> commands, int rounds, CancellationToken stop)
    {
        var times = commands.Select(_ => new Times(new(), new())).ToList();
        for (var round = -WarmUps; round < rounds; round++)
        {
            for (var i = 0; i < commands.Count; i++)
            {
                var (wall, processor) = await OnceAsync([.. commands[i].Select(a => a.Replace(
                    Id, $"bench-{Environment.ProcessId}-{i}-{round + WarmUps}", StringComparison.Ordinal))], stop);
                if (round < 0) continue;
                times[i].Wall.Add(wall);
                times[i].Processor.Add(processor);
            }
        }
        return times;
    }

    /// <summary>
    /// In a mount namespace without cgroup v2 beside v1: crun refuses a host with both. Each kind of command runs alike.
    /// </summary>
    public static async Task<List<Times>> RunWithoutUnifiedAsync(
        Run run, IReadOnlyList<string[]> commands, int rounds, CancellationToken stop)
    {
        const string Unmounted =
            "if grep -q ' /sys/fs/cgroup/unified ' /proc/mounts; then umount /sys/fs/cgroup/unified; fi; exec \"$@\"";
        var file = Path.Combine(run.Root, run.NewName("commands"));
        await File.WriteAllLinesAsync(file, commands.Select(c => string.Join('\t', c)), stop);
        using var process = Process.Start(new ProcessStartInfo("unshare",
            ["--mount", "sh", "-c", Unmounted, "sh", Run.Program, "turns", file, $"{rounds}"])
            {
                RedirectStandardOutput = true,
            })!;
        var times = commands.Select(_ => new Times(new(), new())).ToList();
        while (await process.StandardOutput.ReadLineAsync(stop) is { } line)
        {
            var words = line.Split(' ');
            var each = times[int.Parse(words[0], CultureInfo.InvariantCulture)];
            each.Wall.Add(double.Parse(words[1], CultureInfo.InvariantCulture));
            each.Processor.Add(double.Parse(words[2], CultureInfo.InvariantCulture));
        }
        await process.WaitForExitAsync(stop);
        if (process.ExitCode != 0) throw new InvalidOperationException("a command has failed; see its message above");
        return times;
    }

    /// <summary>
    /// Prints "INDEX WALL PROCESSOR" for each run of the commands in a file, a line each, words separated by tabs.
    /// </summary>
    public static async Task PrintAsync(string file, int rounds)
    {
        var commands = (await File.ReadAllLinesAsync(file)).Select(l => l.Split('\t')).ToList();
        var times = await RunAsync(commands, rounds, CancellationToken.None);
        for (var i = 0; i < times.Count; i++)
            foreach (var (wall, processor) in times[i].Wall.All.Zip(times[i].Processor.All))
                Console.WriteLine($"{i} {wall:0.0000} {processor:0.0000}");
    }

    private static async Task<(double Wall, double Processor)> OnceAsync(string[] command, CancellationToken stop)
    {
        var before = ChildrensProcessorTime();
        var began = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync(stop);
        var output = process.StandardOutput.ReadToEndAsync(stop);
        await process.WaitForExitAsync(stop);
        var wall = ApiClient.Milliseconds(began);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{string.Join(' ', command)} exited with {process.ExitCode}: {await errors}{await output}");
        }
        return (wall, ChildrensProcessorTime() - before);
    }

    private static unsafe double ChildrensProcessorTime()
    {
        const int RUSAGE_CHILDREN = -1;
        var usage = stackalloc long[18]; // two struct timeval, then fourteen numbers. getrusage(2)
        if (getrusage(RUSAGE_CHILDREN, usage) != 0) throw new InvalidOperationException("getrusage failed");
        return (usage[0] + usage[2]) * 1e3 + (usage[1] + usage[3]) / 1e3;
    }

    [LibraryImport("libc")]
    private static unsafe partial int getrusage(int who, long* usage);
}
