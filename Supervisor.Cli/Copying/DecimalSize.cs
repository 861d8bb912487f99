using System.Globalization;

namespace Supervisor.Cli.Copying;

/// <summary>Sizes as docker prints those of files and images: 1kB is 1000 bytes.</summary>
internal static class DecimalSize
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB"];

    public static string Of(long bytes)
    {
        double size = bytes;
        var unit = 0;
        for (; size >= 1000 && unit < Units.Length - 1; unit++) size /= 1000;
        return (size < 10 ? Math.Round(size, 2) : size < 100 ? Math.Round(size, 1) : Math.Round(size)).ToString(
            CultureInfo.InvariantCulture) + Units[unit];
    }
}
