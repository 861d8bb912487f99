using System.Collections.Immutable;
using Akka.Configuration;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// How many tagged events are kept after their actors have deleted them. Events beyond any of these bounds are dropped, a
/// segment at a time.
/// </summary>
/// <param name="Segment">Events in a segment.</param>
/// <param name="Count">Events; 0 keeps no history.</param>
/// <param name="Age">Zero means no bound.</param>
/// <param name="Bytes">Of payloads and names; 0 means no bound.</param>
/// <param name="ForgetsNumbers">Whether the highest sequence number of an actor without events is dropped with its last
/// event.</param>
internal sealed record HistoryBounds(int Segment, long Count, TimeSpan Age, long Bytes, bool ForgetsNumbers)
{
    /// <param name="settings">Records invalid values.</param>
    public static HistoryBounds From(Config config, StoreSettings settings)
    {
        var bounds = new HistoryBounds(1, 0, TimeSpan.Zero, 0, ForgetsNumbers: false);
        settings.Check("history.segment", () => bounds = bounds with { Segment = Math.Max(1, config.GetInt("segment")) });
        settings.Check("history.keep", () => bounds = bounds with { Count = config.GetLong("keep") });
        settings.Check("history.keep-for", () => bounds = bounds with { Age = config.GetTimeSpan("keep-for") });
        settings.Check("history.keep-size", () => bounds = bounds with { Bytes = config.GetByteSize("keep-size")!.Value });
        settings.Check("history.forget-numbers", () =>
            bounds = bounds with { ForgetsNumbers = config.GetBoolean("forget-numbers") });
        return bounds;
    }

    /// <summary>The last segments, which are kept. The newest always is.</summary>
    public ImmutableList<HistorySegment> Keep(ImmutableList<HistorySegment> segments, DateTime now)
    {
        var (bytes, events) = (0L, 0L);
        for (var i = segments.Count - 1; i > 0; i--)
        {
            (bytes, events) = (bytes + segments[i].Bytes, events + segments[i].Events);
            // All events of a segment are older than the next one's first event.
            var isBeyond = (Bytes > 0 && bytes + segments[i - 1].Bytes > Bytes) || events + segments[i - 1].Events > Count ||
                (Age > TimeSpan.Zero && now - segments[i].At > Age);
            if (isBeyond) return segments.RemoveRange(0, i);
        }
        return segments;
    }
}

/// <summary>A segment of the history, up to the next one's first offset.</summary>
/// <param name="Previous">Offset of the tagged event before it; 0 if there was none.</param>
/// <param name="At">When its first event was persisted, in UTC.</param>
internal sealed record HistorySegment(long First, long Previous, DateTime At, long Events, long Bytes);
