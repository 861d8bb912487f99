using System.Collections.Immutable;

namespace Supervisor.Actors.Events;

/// <summary>How much history is kept. What is older than any of these bounds goes, a stretch at a time.</summary>
/// <param name="Count">Events.</param>
/// <param name="Bytes">Of the events' bodies and names.</param>
public sealed record EventRetention(long Count, TimeSpan Age, long Bytes)
{
    /// <summary>A hundred thousand events, thirty days, 64 MiB.</summary>
    public static EventRetention Default { get; } = new(100_000, TimeSpan.FromDays(30), 64 << 20);

    /// <summary>The last stretches that are kept. The newest always is.</summary>
    public ImmutableArray<EventStretch> Keep(ImmutableArray<EventStretch> stretches, long last, DateTimeOffset now)
    {
        var bytes = 0L;
        for (var i = stretches.Length - 1; i > 0; i--)
        {
            bytes += stretches[i].Bytes;
            // The stretch before this one is all older than this one's first event, and younger than its own.
            if (bytes + stretches[i - 1].Bytes > Bytes || last - stretches[i - 1].First >= Count || now - stretches[i].At > Age) return stretches[i..];
        }
        return stretches;
    }
}

/// <summary>A stretch of the history, up to the next one's first number.</summary>
/// <param name="First">Number of its first event.</param>
/// <param name="At">When that was.</param>
public sealed record EventStretch(long First, DateTimeOffset At, long Bytes);
