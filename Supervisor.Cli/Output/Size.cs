using System.Globalization;

namespace Supervisor.Cli.Output;

/// <summary>Bytes for people.</summary>
internal static class Size
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static string Of(ulong bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1024 && unit < Units.Length - 1; unit++) value /= 1024;
        return value.ToString(unit == 0 ? "0" : "0.00", CultureInfo.InvariantCulture) + Units[unit];
    }
}
