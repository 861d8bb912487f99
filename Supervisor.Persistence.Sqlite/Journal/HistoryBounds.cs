using System.Collections.Immutable;
using Akka.Configuration;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// How much of the tagged events is kept after their actors have deleted them. What is beyond any of these bounds is dropped,
/// a segment at a time.
/// </summary>
/// <param name="Segment">Events in a segment.</param>
/// <param name="Count">Events; 0 keeps no history.</param>
/// <param name="Age">Zero means no bound.</param>
/// <param name="Bytes">Of payloads and names; 0 means no bound.</param>
internal sealed record HistoryBounds(int Segment, long Count, TimeSpan Age, long Bytes)
{
    public static HistoryBounds From(Config config) => new(
        Math.Max(1, config.GetInt("segment")), config.GetLong("keep"), config.GetTimeSpan("keep-for"), config.GetByteSize("keep-size") ?? 0);

    /// <summary>The last segments that are kept. The newest always is.</summary>
    public ImmutableList<HistorySegment> Keep(ImmutableList<HistorySegment> segments, DateTime now)
    {
        var (bytes, events) = (0L, 0L);
        for (var i = segments.Count - 1; i > 0; i--)
        {
            (bytes, events) = (bytes + segments[i].Bytes, events + segments[i].Events);
            // The segment before this one is older than this one's first event.
            var isBeyond = (Bytes > 0 && bytes + segments[i - 1].Bytes > Bytes) || events + segments[i - 1].Events > Count ||
                (Age > TimeSpan.Zero && now - segments[i].At > Age);
            if (isBeyond) return segments.RemoveRange(0, i);
        }
        return segments;
    }
}

/// <summary>A segment of the history, up to the next one's first offset.</summary>
/// <param name="At">When its first event was persisted, in UTC.</param>
internal sealed record HistorySegment(long First, DateTime At, long Events, long Bytes);
