namespace Supervisor.Kernel.Cgroups;

/// <summary>How much the processes of a cgroup have waited for a resource. Documentation/accounting/psi.rst.</summary>
/// <param name="Some">While at least one of them waited.</param>
/// <param name="Full">While all of them did; null where the kernel does not say.</param>
public sealed record PressureStats(Pressure Some, Pressure? Full)
{
    /// <summary>Reads <c>cpu.pressure</c> and its likes; null for anything else, and where PSI is switched off.</summary>
    internal static PressureStats? Parse(string? text)
    {
        var lines = (text ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return Of("some ") is { } some ? new PressureStats(some, Of("full ")) : null;

        Pressure? Of(string kind) =>
            Array.Find(lines, l => l.StartsWith(kind, StringComparison.Ordinal)) is { } line
                ? Pressure.Parse(line[kind.Length..]) : null;
    }
}

/// <summary>Shares of time in percent, and all of it.</summary>
/// <param name="Avg10">Of the last ten seconds.</param>
/// <param name="Avg60">Of the last minute.</param>
/// <param name="Avg300">Of the last five minutes.</param>
public readonly record struct Pressure(double Avg10, double Avg60, double Avg300, ulong TotalMicroseconds)
{
    internal static Pressure? Parse(string line)
    {
        var values = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        return Share("avg10") is { } ten && Share("avg60") is { } sixty && Share("avg300") is { } most
            && ulong.TryParse(values.GetValueOrDefault("total"), out var total) ? new Pressure(ten, sixty, most, total) : null;

        double? Share(string name) =>
            double.TryParse(values.GetValueOrDefault(name), System.Globalization.CultureInfo.InvariantCulture, out var share)
                ? share : null;
    }
}
