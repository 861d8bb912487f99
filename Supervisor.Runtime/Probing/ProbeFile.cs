using System.Globalization;

namespace Supervisor.Runtime.Probing;

/// <summary>Reads small files of /proc and /sys that may be missing or not readable.</summary>
internal static class ProbeFile
{
    /// <summary>The trimmed text; null where it cannot be read.</summary>
    public static string? TryRead(string path)
    {
        try { return File.ReadAllText(path).Trim(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>The words after <c>Name:</c> in /proc/self/status.</summary>
    public static string[] Status(string name) =>
        (TryRead("/proc/self/status") ?? "").Split('\n').FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.Ordinal))
            ?[(name.Length + 1)..].Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The effective capabilities.</summary>
    public static ulong EffectiveCapabilities =>
        Status("CapEff") is [var hex] && ulong.TryParse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var mask)
            ? mask : 0;
}
