using System.Globalization;

namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>events</c>: what a container uses, now or every few seconds, and OOM kills. One JSON object per line.
/// </summary>
internal static class EventsVerb
{
    private const double Longest = 366 * 24 * 3600; // far below what a wait may take

    public static readonly Verb Verb = new("events", "ID", "show a container's resource usage and OOM kills until it stops",
        [Flag.Value("interval", "between statistics, e.g. 500ms (default: 5s)"), Flag.Switch("stats", "once, then exit")], 1, 1,
            Run);

    private static int Run(Invocation invocation)
    {
        var interval = Interval(invocation.Arguments.Text("interval") ?? "5s");
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        var container = live.Running();
        var id = live.State.Id;
        if (invocation.Arguments.IsSet("stats"))
        {
            Streams.Write(StatsJson.Of(id, container.Cgroup.Stats()));
            return 0;
        }
        using var ended = new ManualResetEventSlim();
        container.Watch(_ => ended.Set(), () => Streams.Write($"{{\"type\":\"oom\",\"id\":\"{id}\"}}\n"));
        do
        {
            if (container.Cgroup.Exists) Streams.Write(StatsJson.Of(id, container.Cgroup.Stats()));
        }
        while (!ended.Wait(interval));
        return 0;
    }

    /// <summary>Go's durations: numbers with units, one after the other.</summary>
    internal static TimeSpan Interval(string text)
    {
        var total = TimeSpan.Zero;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var unit = rest.TrimStart("0123456789.");
            var after = unit.TrimStart("nuµmsh");
            if (!double.TryParse(
                rest[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var number)) throw Invalid();
            var seconds = total.TotalSeconds + number * unit[..^after.Length] switch
            {
                "ns" => 1e-9, "us" or "µs" => 1e-6, "ms" => 1e-3, "s" => 1, "m" => 60, "h" => 3600,
                _ => throw Invalid(),
            };
            if (seconds > Longest) throw Invalid();
            total = TimeSpan.FromSeconds(seconds);
            rest = after;
        }
        return total > TimeSpan.Zero ? total : throw new OciException("duration interval must be greater than 0");

        OciException Invalid() => new($"invalid value \"{text}\" for flag -interval: it is not a duration such as 5s or 500ms");
    }
}
