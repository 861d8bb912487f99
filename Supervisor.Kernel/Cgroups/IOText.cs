namespace Supervisor.Kernel.Cgroups;

/// <summary>The counters of block devices, as v1 and v2 write them.</summary>
internal static class IOText
{
    /// <summary>Lines as <c>8:0 Read 4096</c>, one file for bytes and one for operations.</summary>
    public static List<BlockIOEntry> StatV1(string? bytes, string? operations)
    {
        var found = new Dictionary<(uint, uint, string), BlockIOEntry>();
        foreach (var (device, operation, value) in LinesV1(bytes))
            found[(device.Major, device.Minor, operation)] = new BlockIOEntry(device.Major, device.Minor, operation, value, null);
        foreach (var (device, operation, value) in LinesV1(operations))
        {
            var key = (device.Major, device.Minor, operation);
            found[key] = found.TryGetValue(key, out var entry)
                ? entry with { Operations = value }
                : new BlockIOEntry(device.Major, device.Minor, operation, null, value);
        }
        return [.. found.Values];
    }

    /// <summary>
    /// Lines as <c>8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6</c>. An idle device may have none.
    /// </summary>
    public static List<BlockIOEntry> StatV2(string? text)
    {
        var found = new List<BlockIOEntry>();
        foreach (var line in CgroupText.Lines(text))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || Device(words[0]) is not { } device) continue;
            var values = CgroupText.Numbers(string.Join('\n', words[1..]).Replace('=', ' '));
            Add("Read", "rbytes", "rios");
            Add("Write", "wbytes", "wios");
            Add("Discard", "dbytes", "dios");

            void Add(string operation, string bytes, string operations)
            {
                if (values.TryGetValue(bytes, out var b) && values.TryGetValue(operations, out var n))
                    found.Add(new BlockIOEntry(device.Major, device.Minor, operation, b, n));
            }
        }
        return found;
    }

    private static IEnumerable<((uint Major, uint Minor) Device, string Operation, ulong Value)> LinesV1(string? text)
    {
        foreach (var line in CgroupText.Lines(text))
            if (line.Split(' ') is [var device, var operation, var value] && Device(device) is { } d
                && CgroupText.Parse(value) is ulong number)
                yield return (d, operation, number);
    }

    private static (uint Major, uint Minor)? Device(string text) =>
        text.Split(':') is [var major, var minor] && uint.TryParse(major, out var a) && uint.TryParse(minor, out var b)
            ? (a, b) : null;
}
