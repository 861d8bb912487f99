using System.Globalization;

namespace Supervisor.Kernel.Cgroups;

/// <summary>The number formats of control files.</summary>
internal static class CgroupText
{
    /// <summary>Lines of a name and a number, as in memory.stat, cpu.stat and cgroup.events. Other lines are left out.</summary>
    public static IReadOnlyDictionary<string, ulong> Numbers(string? text)
    {
        var numbers = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (var line in Lines(text))
            if (line.Split(' ') is [var name, var value] && Parse(value) is ulong number) numbers[name] = number;
        return numbers;
    }

    /// <summary>Numbers separated by spaces, as in cpuacct.usage_percpu.</summary>
    public static IReadOnlyList<ulong> List(string? text) =>
        [.. (text ?? "").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Parse).OfType<ulong>()];

    public static string[] Lines(string? text) => (text ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static ulong? Parse(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
