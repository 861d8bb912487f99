using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Journal;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Persistence.Sqlite.Store;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Journal;

/// <summary>The stream of tagged events: reads, pushes, and that both are the same.</summary>
public sealed class TaggedEventsTests
{
    private readonly Probe _probe = new();

    private static Tagged Event(string text, params string[] tags) =>
        new(new Fast(text), tags.Length > 0 ? tags : [TaggedStream.Tag]);

    private async Task<IActorRef> RecorderAsync(PersistentSystem system, string id)
    {
        var actor = system.Start<Recorder>(id, _probe);
        await _probe.Expect("recovered 0");
        return actor;
    }

    private async Task WriteAsync(IActorRef actor, params object[] events)
    {
        actor.Tell(Do(a => a.PersistAll(events, _ => a.Note("written"))));
        await _probe.Next(events.Length);
    }

    [Fact]
    public async Task Events_are_read_in_the_order_in_which_they_were_committed()
    {
        await using var system = PersistentSystem.OnDisk();
        var (a, b) = (await RecorderAsync(system, "a"), await RecorderAsync(system, "b"));
        await WriteAsync(a, Event("1"), Event("2"));
        await WriteAsync(b, Event("3"));
        await WriteAsync(a, Event("4"));
        var events = await TaggedStream.ReadAsync(system.System);
        Assert.Equal(
            [("a", 1L, "1"), ("a", 2L, "2"), ("b", 1L, "3"), ("a", 3L, "4")],
            events.Select(e => (e.PersistenceId, e.SequenceNr, ((Fast)e.Event).Text)));
        TaggedStream.AssertUnbroken(events);
        Assert.All(events, e => Assert.InRange(e.Timestamp, DateTime.UtcNow.AddMinutes(-5), DateTime.UtcNow));
    }

    [Fact]
    public async Task A_predecessor_is_the_previous_tagged_event_of_any_tag()
    {
        await using var system = PersistentSystem.OnDisk();
        var a = await RecorderAsync(system, "a");
        await WriteAsync(a, new Fast("untagged"), Event("red", "red"), new Fast("untagged"), Event("blue", "blue"),
            Event("both", "red", "blue"));
        var red = await TaggedStream.ReadAsync(system.System, tag: "red");
        Assert.Equal([(2L, 0L, "red"), (5L, 4L, "both")], red.Select(e => (e.Offset, e.Previous, ((Fast)e.Event).Text)));
        var blue = await TaggedStream.ReadAsync(system.System, tag: "blue");
        Assert.Equal([(4L, 2L, "blue"), (5L, 4L, "both")], blue.Select(e => (e.Offset, e.Previous, ((Fast)e.Event).Text)));
        Assert.Empty(await TaggedStream.ReadAsync(system.System, tag: "re"));
    }

    [Fact]
    public async Task A_page_has_the_requested_events_and_the_end_of_the_stream()
    {
        await using var system = PersistentSystem.OnDisk();
        var a = await RecorderAsync(system, "a");
        await WriteAsync(a, [.. Enumerable.Range(1, 1200).Select(i => Event($"{i}")), new Fast("untagged")]);
        var page = await TaggedStream.PageAsync(
            system.System, new TaggedEvents.Read(TaggedStream.Tag, After: 10, Through: 20, Max: 5));
        Assert.Equal([11, 12, 13, 14, 15], page.Events.Select(e => (int)e.Offset));
        Assert.Equal(new StreamBounds(First: 0, Last: 1200, Next: 1202), page.Bounds);
        page = await TaggedStream.PageAsync(
            system.System, new TaggedEvents.Read(TaggedStream.Tag, After: 18, Through: 20, Max: 5));
        Assert.Equal([19, 20], page.Events.Select(e => (int)e.Offset));
        page = await TaggedStream.PageAsync(
            system.System, new TaggedEvents.Read(TaggedStream.Tag, After: 1200, Through: long.MaxValue, Max: 5));
        Assert.Empty(page.Events);
        // A page is bounded, however many events are requested.
        page = await TaggedStream.PageAsync(
            system.System, new TaggedEvents.Read(TaggedStream.Tag, 0, long.MaxValue, int.MaxValue));
        Assert.InRange(page.Events.Length, 1, 1199);
        Assert.Equal(Enumerable.Range(1, 1200), (await TaggedStream.ReadAsync(system.System)).Select(e => (int)e.Offset));
    }

    [Fact]
    public async Task Subscribers_get_each_commit_once_and_before_its_actor_is_answered()
    {
        const int Actors = 10, Each = 40;
        await using var system = PersistentSystem.OnDisk();
        using var spy = await StreamSpy.OnAsync(system);
        var actors = new List<(string Id, IActorRef Actor)>();
        for (var i = 0; i < Actors; i++) actors.Add(($"a{i}", await RecorderAsync(system, $"a{i}")));
        foreach (var (id, actor) in actors)
        {
            for (var j = 0; j < Each; j++)
            {
                actor.Tell(Do(a => a.Persist(Event("x"), _ =>
                {
                    var seen = spy.Events.Where(e => e.PersistenceId == id).Max(e => e.SequenceNr);
                    a.Note((id, a.LastSequenceNr, seen));
                })));
            }
        }
        var seenAtAnswer = new List<(string Id, long Number, long Seen)>();
        for (var i = 0; i < Actors * Each; i++) seenAtAnswer.Add(await _probe.Next<(string, long, long)>());
        Assert.All(seenAtAnswer, s => Assert.True(s.Seen >= s.Number, $"{s}"));
        TaggedStream.AssertUnbroken(spy.Events);
        Assert.Equal(Actors * Each, spy.Events.Count);
        Assert.Equal(spy.Events, await TaggedStream.ReadAsync(system.System));
    }

    [Fact]
    public async Task A_subscriber_that_joins_during_writes_gets_every_event_exactly_once()
    {
        const int Subscribers = 20, Each = 400;
        await using var system = PersistentSystem.OnDisk();
        var writers = new[] { await RecorderAsync(system, "a"), await RecorderAsync(system, "b") };
        foreach (var writer in writers)
        {
            for (var i = 0; i < Each; i++) writer.Tell(Do(a => a.Persist(Event($"{a.LastSequenceNr}"), _ => a.Note("written"))));
        }
        var seen = new List<Probe>();
        for (var i = 0; i < Subscribers; i++)
        {
            await _probe.Next(Each * 2 / Subscribers / 2);
            var probe = new Probe();
            seen.Add(probe);
            system.System.ActorOf(Props.Create(() => new Subscriber(probe)));
        }
        await _probe.Next(Each);
        // The last event ends each subscriber's list.
        await WriteAsync(writers[0], Event("end"));
        var all = await TaggedStream.ReadAsync(system.System);
        TaggedStream.AssertUnbroken(all);
        foreach (var probe in seen)
        {
            var bounds = (await probe.Next<TaggedEvents.Subscribed>()).Bounds;
            var pushed = new List<TaggedEvent>();
            do pushed.AddRange((await probe.Next<TaggedEvents.Committed>()).Events);
            while (pushed[^1].Event is not Fast { Text: "end" });
            Assert.Equal(all.Where(e => e.Offset > bounds.Last), pushed);
        }
    }

    [Fact]
    public async Task A_subscription_is_removed_when_its_actor_stops()
    {
        await using var system = PersistentSystem.OnDisk();
        var (actor, probe) = (await RecorderAsync(system, "a"), new Probe());
        var subscriber = system.System.ActorOf(Props.Create(() => new Subscriber(probe)));
        await probe.Next<TaggedEvents.Subscribed>();
        await subscriber.GracefulStop(Probe.Soon);
        var deaf = new Probe();
        system.System.EventStream.Subscribe(
            system.System.ActorOf(Props.Create(() => new DeadLetters(deaf))), typeof(Akka.Event.DeadLetter));
        // The journal gets Terminated as a message of its own: until then commits are still sent to the stopped actor.
        var rounds = 0;
        while (true)
        {
            await WriteAsync(actor, Event($"{++rounds}"));
            system.System.DeadLetters.Tell($"round {rounds}");
            if (Equals(await deaf.Next(), $"round {rounds}")) break;
            await deaf.Expect($"round {rounds}");
            Assert.True(rounds < 10_000, "commits are still sent to the stopped subscriber");
        }
    }

    [Fact]
    public async Task A_commit_that_is_rolled_back_is_not_pushed_and_leaves_no_gap()
    {
        await using var system = PersistentSystem.OnDisk();
        using var spy = await StreamSpy.OnAsync(system);
        var (first, second) = (await RecorderAsync(system, "a"), await RecorderAsync(system, "a"));
        var other = await RecorderAsync(system, "b");
        await WriteAsync(first, Event("1"));
        using var held = new ManualResetEventSlim();
        var entered = new TaskCompletionSource();
        // Holds the store's thread, so that the next requests form one group; a number that "a" has already used fails it.
        var holding = spy.Store.Do(() => "waiting", Durability.Read, _ =>
        {
            entered.SetResult();
            return held.Wait(Probe.Soon);
        }, default);
        await entered.Task.WaitAsync(Probe.Soon);
        other.Tell(Do(a => a.Persist(Event("2"), _ => a.Note("written"))));
        second.Tell(Do(a => a.Persist(Event("never"), e => a.Note(e))));
        Assert.True(SpinWait.SpinUntil(() => spy.Store.Waiting == 2, Probe.Soon));
        held.Set();
        Assert.True(await holding);
        var seen = (await _probe.Next(3)).Cast<string>().Order(StringComparer.Ordinal).ToArray();
        Assert.StartsWith("failed", seen[0], StringComparison.Ordinal);
        Assert.Equal(["stopped", "written"], seen[1..]);
        await WriteAsync(first, Event("3"));
        Assert.Equal(["1", "2", "3"], spy.Events.Select(e => ((Fast)e.Event).Text));
        TaggedStream.AssertUnbroken(spy.Events);
        Assert.Equal([1, 2, 3], spy.Events.Select(e => (int)e.Offset));
        Assert.Equal(spy.Events, await TaggedStream.ReadAsync(system.System));
    }

    [Fact]
    public async Task Event_adapters_handle_live_events_like_replayed_ones()
    {
        await using var system = PersistentSystem.OnDisk($$"""
            akka.persistence.journal.sqlite {
              event-adapters.shout = "{{typeof(Shout).AssemblyQualifiedName!.Split(", Version")[0]}}"
              event-adapter-bindings { "{{typeof(Fast).AssemblyQualifiedName!.Split(", Version")[0]}}" = shout }
            }
            """);
        using var spy = await StreamSpy.OnAsync(system);
        await WriteAsync(await RecorderAsync(system, "a"), new Fast("x"));
        var pushed = Assert.Single(spy.Events);
        Assert.Equal(new Fast("X, manifest loud"), pushed.Event);
        Assert.Equal([pushed], await TaggedStream.ReadAsync(system.System));
    }

    [Fact]
    public async Task A_tag_that_its_column_cannot_hold_is_rejected()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = await RecorderAsync(system, "a");
        actor.Tell(Do(a => a.Persist(Event("x", "red;blue"), e => a.Note(e))));
        Assert.Contains("cannot be a tag", (string)await _probe.Next(), StringComparison.Ordinal);
        await WriteAsync(actor, Event("y", "red"));
        Assert.Single(await TaggedStream.ReadAsync(system.System, tag: "red"));
    }

    private sealed class Shout : IEventAdapter
    {
        public string Manifest(object evt) => "loud";
        public object ToJournal(object evt) => new Tagged(evt, [TaggedStream.Tag]);
        public IEventSequence FromJournal(object evt, string manifest) =>
            EventSequence.Single(new Fast($"{((Fast)evt).Text.ToUpperInvariant()}, manifest {manifest}"));
    }

    private sealed class Subscriber(Probe probe) : UntypedActor
    {
        protected override void PreStart() => TaggedStream.Journal(Context.System).Tell(TaggedEvents.Subscribe.Instance);
        protected override void OnReceive(object message) => probe.Add(message);
    }

    private sealed class DeadLetters(Probe probe) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Akka.Event.DeadLetter { Message: TaggedEvents.Committed or string } letter) probe.Add(letter.Message);
        }
    }
}
