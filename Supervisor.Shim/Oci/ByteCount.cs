using System.Globalization;

namespace Supervisor.Shim.Oci;

/// <summary>
/// Bytes as runc's callers write them: <c>-1</c>, <c>1048576</c>, <c>32M</c>, <c>1.5g</c>, <c>64MiB</c>. Units are powers of
/// 1024.
/// </summary>
internal static class ByteCount
{
    /// <exception cref="OciException">The text is not a byte count, or too large.</exception>
    public static long Parse(string text, string flag)
    {
        if (text is "-1") return -1;
        var unit = text.AsSpan().TrimStart("0123456789.");
        var number = text.AsSpan(0, text.Length - unit.Length);
        var shift = unit.ToString().ToLowerInvariant() switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 10,
            "m" or "mb" or "mib" => 20,
            "g" or "gb" or "gib" => 30,
            "t" or "tb" or "tib" => 40,
            "p" or "pb" or "pib" => 50,
            _ => -1,
        };
        if (shift >= 0 && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value <= (decimal)(long.MaxValue >> shift))
            return (long)(value * (1L << shift));
        throw new OciException($"invalid value for {flag}: \"{text}\" is not a number of bytes");
    }
}
