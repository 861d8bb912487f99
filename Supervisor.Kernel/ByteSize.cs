using System.Buffers;
using System.Globalization;

namespace Supervisor.Kernel;

/// <summary>Sizes as people write them: <c>4096</c>, <c>64m</c>, <c>1.5G</c>, <c>512KiB</c>.</summary>
/// <remarks>Units are powers of 1024, as for every memory limit.</remarks>
public static class ByteSize
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Bytes; null where the text is not a positive size below 8 EiB.</summary>
    public static long? TryParse(string text)
    {
        var digits = text.AsSpan().IndexOfAnyExcept(NumberCharacters);
        var number = digits < 0 ? text : text[..digits];
        var unit = digits < 0 ? "" : text[digits..].ToLowerInvariant();
        var shift = unit switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 10,
            "m" or "mb" or "mib" => 20,
            "g" or "gb" or "gib" => 30,
            "t" or "tb" or "tib" => 40,
            _ => -1,
        };
        const NumberStyles Plain = NumberStyles.AllowDecimalPoint;
        if (shift < 0 || number.Length is 0 or > 24 || number[0] == '.' || number[^1] == '.') return null;
        if (!decimal.TryParse(number, Plain, CultureInfo.InvariantCulture, out var value)) return null;
        if (value > long.MaxValue >> shift) return null;
        var bytes = (long)(value * (1L << shift));
        return bytes > 0 ? bytes : null;
    }
}
