using System.Globalization;

namespace Akka.Configuration.Hocon;

/// <summary>"10 ms", "1.5h", "64KiB": the unit words of the HOCON specification.</summary>
internal static class HoconUnits
{
    public static TimeSpan Duration(string text, bool allowInfinite)
    {
        if (allowInfinite && text is "infinite") return Timeout.InfiniteTimeSpan;
        var (number, unit) = Split(text);
        var ticks = unit switch
        {
            "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => TimeSpan.TicksPerMillisecond,
            "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 0.01,
            "us" or "micro" or "micros" or "microsecond" or "microseconds" => TimeSpan.TicksPerMicrosecond,
            "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
            "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
            "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
            "d" or "day" or "days" => (double)TimeSpan.TicksPerDay,
            _ => throw new FormatException($"Unknown unit of time in '{text}'"),
        };
        return TimeSpan.FromTicks((long)Math.Round((double)number * ticks));
    }

    public static long? Bytes(string text)
    {
        if (text is null) return null;
        var (number, unit) = Split(text);
        var factor = unit switch
        {
            "" or "b" or "B" or "byte" or "bytes" => 1m,
            "kB" or "kilobyte" or "kilobytes" => 1000m,
            "MB" or "megabyte" or "megabytes" => 1000m * 1000,
            "GB" or "gigabyte" or "gigabytes" => 1000m * 1000 * 1000,
            "TB" or "terabyte" or "terabytes" => 1000m * 1000 * 1000 * 1000,
            "PB" or "petabyte" or "petabytes" => 1000m * 1000 * 1000 * 1000 * 1000,
            "k" or "K" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => 1024m,
            "m" or "M" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => 1024m * 1024,
            "g" or "G" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => 1024m * 1024 * 1024,
            "t" or "T" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => 1024m * 1024 * 1024 * 1024,
            "p" or "P" or "Pi" or "PiB" or "pebibyte" or "pebibytes" => 1024m * 1024 * 1024 * 1024 * 1024,
            _ => throw new FormatException($"Unknown unit of size in '{text}'"),
        };
        return (long)(number * factor);
    }

    private static (decimal, string) Split(string text)
    {
        var trimmed = text?.Trim() ?? "";
        var end = 0;
        while (end < trimmed.Length && (char.IsAsciiDigit(trimmed[end]) || trimmed[end] is '.' or '-' or '+')) end++;
        return decimal.TryParse(trimmed.AsSpan(0, end), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? (number, trimmed[end..].Trim())
            : throw new FormatException($"Not a number with a unit: '{text}'");
    }
}
