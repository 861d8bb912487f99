namespace Supervisor.Runtime.Oci;

/// <summary>Validated lists in the format of cpuset(7), <c>0-2,7</c>.</summary>
internal static class NumberLists
{
    /// <summary>A bit for each number; numbers that do not fit are left out.</summary>
    public static byte[] Mask(string list, int bytes)
    {
        var mask = new byte[bytes];
        foreach (var (first, last) in Ranges(list))
            for (var i = first; i <= last && i < bytes * 8; i++) mask[i / 8] |= (byte)(1 << i % 8);
        return mask;
    }

    /// <summary>The largest number; -1 for an empty list.</summary>
    public static int Last(string? list) => string.IsNullOrEmpty(list) ? -1 : Ranges(list).Max(r => r.Last);

    private static IEnumerable<(int First, int Last)> Ranges(string list) =>
        list.Split(',').Select(part => part.Trim().Split('-')).Select(ends => (int.Parse(ends[0]), int.Parse(ends[^1])));
}
