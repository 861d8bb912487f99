using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Persistence.Sqlite.Journal;

namespace Supervisor.Tests.Persistence;

/// <summary>The stream of tagged events, as a client reads it: page by page.</summary>
internal static class TaggedStream
{
    public const string Tag = "stream";

    public static IActorRef Journal(ActorSystem system) => Akka.Persistence.Persistence.Instance.Apply(system).JournalFor(null);

    public static async Task<TaggedEvents.Page> PageAsync(ActorSystem system, TaggedEvents.Read read)
    {
        var answer = await Journal(system).Ask(read, Probe.Soon);
        return answer is TaggedEvents.Failed { Cause: var cause } ? throw cause : Assert.IsType<TaggedEvents.Page>(answer);
    }

    public static async Task<IReadOnlyList<TaggedEvent>> ReadAsync(
        ActorSystem system, long after = 0, long through = long.MaxValue, string tag = Tag, int page = 100)
    {
        var all = new List<TaggedEvent>();
        ImmutableArray<TaggedEvent> events;
        do
        {
            events = (await PageAsync(system, new TaggedEvents.Read(tag, after, through, page))).Events;
            all.AddRange(events);
            if (all.Count > 0) after = all[^1].Offset;
        }
        while (events.Length > 0);
        return all;
    }

    /// <summary>Each event names its predecessor, offsets rise, and no actor's number is missing or repeated.</summary>
    /// <param name="before">Offset of the tagged event before the first of these.</param>
    public static void AssertUnbroken(IEnumerable<TaggedEvent> events, long before = 0)
    {
        var numbers = new Dictionary<string, long>();
        foreach (var e in events)
        {
            Assert.Equal(before, e.Previous);
            Assert.True(e.Offset > before, $"{e.Offset} after {before}");
            if (numbers.TryGetValue(e.PersistenceId, out var last)) Assert.Equal(last + 1, e.SequenceNr);
            (before, numbers[e.PersistenceId]) = (e.Offset, e.SequenceNr);
        }
    }
}
