using System.Diagnostics;
using System.Globalization;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>Where the numbers are from.</summary>
internal static class Machine
{
    public static string LoadAverage => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <param name="loadAtBegin">The load average before the first section.</param>
    public static string Describe(Options options, Run run, string loadAtBegin, DateTimeOffset began)
    {
        var peers = string.Join(", ", Peers.Present.Select(Version).DefaultIfEmpty("none"));
        var missing = string.Join(", ", Peers.Missing.DefaultIfEmpty("none"));
        var command = $"./supervisor bench {options.Arguments}".TrimEnd();
        var date = began.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        var minutes = Math.Ceiling((DateTimeOffset.UtcNow - began).TotalMinutes);
        return $"""
            `{command}` at commit {options.Commit}, {date} UTC, in {minutes} minutes; {run.Rounds} rounds, {run.Seconds} s for each rate.
            {Environment.ProcessorCount} cores ({Processor}), {Memory / 1024 / 1024.0:0} GB, {Distribution}, kernel {
                File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}; persistent data on {FileSystem(run.Root)},
            state on {FileSystem(run.State)}; load average {loadAtBegin} at the beginning, {LoadAverage} at the end.
            Peers: {peers}. Not installed, so not compared: {missing}.
            A ratio is the first column divided by the one before the ratio: ours is better below 1 for times, above 1 for rates.
            """;
    }

    private static string Processor => Value("/proc/cpuinfo", "model name") ?? "unknown";

    private static string Distribution => Value("/etc/os-release", "PRETTY_NAME")?.Trim('"') ?? "unknown distribution";

    /// <summary>In kB.</summary>
    private static long Memory => long.Parse(Value("/proc/meminfo", "MemTotal")!.Split(' ')[0], CultureInfo.InvariantCulture);

    private static string? Value(string file, string key)
    {
        if (!File.Exists(file)) return null;
        var line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line?.Split([':', '='], 2)[1].Trim();
    }

    private static string FileSystem(string directory) => new DriveInfo(directory).DriveFormat;

    private static string Version(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Peers.PathOf(program)!, ["--version"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            var line = process.StandardOutput.ReadLine() ?? "";
            if (!process.WaitForExit(TimeSpan.FromSeconds(5))) process.Kill();
            var version = line.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(w => w.Any(char.IsDigit));
            return $"{program} {version}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"{program} ({e.Message})";
        }
    }
}
