using System.Threading.Channels;
using Akka.Actor;
using Akka.Configuration;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;
using Supervisor.Actors.Persistence;
using Supervisor.Persistence.Sqlite.Journal;

namespace Supervisor.Tests.Actors.Events;

/// <summary>A reader's position in the history: no gap, no repetition, and at most a window buffered for a slow reader.</summary>
public sealed class EventHistoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-history-");
    private ActorSystem _system = null!;
    private IActorRef _publisher = null!, _clients = null!;

    public Task InitializeAsync()
    {
        var packaged = File.ReadAllText(Path.Join(Repository.Root, "hocon", "supervisor.hocon"));
        var config = ConfigurationFactory.ParseString("supervisor.events { keep = 1500, keep-for = 1d, keep-size = 1MiB }")
            .WithFallback(ConfigurationFactory.ParseString(packaged));
        _system = ActorSystem.Create("history", JournalConfig.With(config, _place.FullName, _place.FullName));
        _publisher = _system.ActorOf(EventPublisherActor.Props());
        Akka.Persistence.Persistence.Instance.Apply(_system).JournalFor("").Tell(TaggedEvents.Subscribe.Instance, _publisher);
        _clients = _system.ActorOf(ClientEventsActor.Props(_publisher));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _system.Terminate().WaitAsync(Patience);
        _place.Delete(recursive: true);
    }

    [Fact]
    public async Task From_the_start_through_live_events_and_a_full_window_every_number_arrives_once()
    {
        await Publish(30);
        var reader = _system.ActorOf(EventHistoryActor.Props(_publisher, from: 5, window: 8));
        var numbers = new List<long>();
        await Pull(reader, numbers, until: 30);
        await Publish(50); // far more than its window, without a pull
        await Pull(reader, numbers, until: 80);
        var pulling = Pull(reader, numbers, until: 90);
        await Publish(10);
        await pulling;
        Assert.Equal(Enumerable.Range(5, 86).Select(n => (long)n), numbers);
    }

    [Fact]
    public async Task From_now_on_starts_with_the_next_event()
    {
        await Publish(3);
        var reader = _system.ActorOf(EventHistoryActor.Props(_publisher, from: 0, window: 8));
        await reader.Ask<EventHistory.Established>(EventHistory.Establish.Instance, Patience);
        await Publish(20);
        var numbers = new List<long>();
        await Pull(reader, numbers, until: 23);
        Assert.Equal(Enumerable.Range(4, 20).Select(n => (long)n), numbers);
    }

    [Fact]
    public async Task From_a_time_on_all_events_since_then_arrive()
    {
        await Publish(2500); // segments of a thousand
        await Task.Delay(20);
        var since = DateTime.UtcNow;
        await Publish(1200);
        var reader = _system.ActorOf(EventHistoryActor.Props(_publisher, from: 0, window: 8, since));
        var established = await reader.Ask<EventHistory.Established>(EventHistory.Establish.Instance, Patience);
        Assert.Equal(3700, established.Last);
        Assert.Equal(2001, established.Next); // where the segment begins
        var numbers = new List<long>();
        await Pull(reader, numbers, until: 3700);
        Assert.Equal(Enumerable.Range(2001, 1700).Select(n => (long)n), numbers);
    }

    [Fact]
    public async Task A_number_outside_the_history_is_refused_with_its_bounds()
    {
        await Publish(3);
        var early = _system.ActorOf(EventHistoryActor.Props(_publisher, from: 9, window: 8));
        var ended = Assert.IsType<EventHistory.Ended>(await early.Ask<EventHistory>(EventHistory.Pull.Instance, Patience));
        Assert.True(ended.OutOfRange);
        Assert.Contains("ends at number 3", ended.Reason, StringComparison.Ordinal);
        await Publish(4_000); // of which 1,500 are kept, by thousands
        for (var end = DateTime.UtcNow + Patience; ;)
        {
            var late = _system.ActorOf(EventHistoryActor.Props(_publisher, from: 1, window: 8));
            if (await late.Ask<EventHistory>(EventHistory.Pull.Instance, Patience) is EventHistory.Ended gone)
            {
                Assert.True(gone.OutOfRange);
                Assert.Contains("begins at number", gone.Reason, StringComparison.Ordinal);
                return;
            }
            Assert.True(DateTime.UtcNow < end, "no event is deleted");
        }
    }

    [Fact]
    public async Task An_event_is_published_after_its_actor_has_applied_it_and_in_commit_order()
    {
        var seen = new Inbox();
        _system.ActorOf(Props.Create(() => new Subscriber(seen)));
        await Publish(1); // the publisher is subscribed
        await seen.Next();
        _publisher.Tell(new TaggedEvents.Committed([Tagged("a", 11, 1), Tagged("b", 12, 11), Tagged("c", 15, 12)]));
        _publisher.Tell(new EventApplied("b", 1));
        _publisher.Tell(new EventApplied("c", 1));
        var place = await _publisher.Ask<HistoryPlace>(AskHistoryPlace.Instance, Patience);
        Assert.Equal(1, place.Last);
        _publisher.Tell(new EventApplied("a", 1));
        Assert.Equal([(11L, 1L), (12L, 11L), (15L, 12L)], [await seen.Next(), await seen.Next(), await seen.Next()]);
    }

    [Fact]
    public async Task An_event_whose_actor_never_reports_is_published_nevertheless()
    {
        var seen = new Inbox();
        _system.ActorOf(Props.Create(() => new Subscriber(seen)));
        await Publish(1);
        await seen.Next();
        _publisher.Tell(new TaggedEvents.Committed([Tagged("a", 11, 1), Tagged("b", 12, 11)]));
        _publisher.Tell(new EventApplied("b", 1));
        Assert.Equal([(11L, 1L), (12L, 11L)], [await seen.Next(), await seen.Next()]);
    }

    [Fact]
    public async Task Events_published_during_an_empty_journal_read_are_read_next()
    {
        var seen = new Inbox();
        _system.ActorOf(Props.Create(() => new Subscriber(seen)));
        await Publish(4);
        for (var i = 0; i < 4; i++) await seen.Next();
        var asked = new TaskCompletionSource<IActorRef>();
        // For this reader the fourth is published only after it has asked the journal for events up to the third.
        var publisher = _system.ActorOf(Props.Create(() => new Answering(asked)));
        var reader = _system.ActorOf(EventHistoryActor.Props(publisher, from: 4, window: 8));
        var page = reader.Ask<EventHistory>(EventHistory.Pull.Instance, Patience);
        reader.Tell(EventMappers.Map(Tagged("a", 4, 3)));
        (await asked.Task.WaitAsync(Patience)).Tell(new HistoryPlace(1, 3));
        Assert.Equal([4L], Assert.IsType<EventHistory.Page>(await page).Events.Select(e => e.Number));
    }

    private static TaggedEvent Tagged(string actor, long offset, long previous) => new(
        offset, previous, actor, 1, DateTime.UtcNow,
            new ClientEvent(DateTimeOffset.UtcNow, "n", "/t", new Any { TypeUrl = "x" }));

    private async Task Publish(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var order = new ClientEvent(DateTimeOffset.UtcNow, "n", "/t", new Any { TypeUrl = "x" });
            if (i == count - 1) await _clients.Ask<ClientEventsActor.Accepted>(order, Patience);
            else _clients.Tell(order);
        }
    }

    private static async Task Pull(IActorRef reader, List<long> numbers, long until)
    {
        while (numbers.Count == 0 || numbers[^1] < until)
        {
            var page = Assert.IsType<EventHistory.Page>(await reader.Ask<EventHistory>(EventHistory.Pull.Instance, Patience));
            Assert.InRange(page.Events.Length, 1, 8);
            numbers.AddRange(page.Events.Select(e => e.Number));
        }
    }

    /// <summary>A publisher whose answers are given by the test.</summary>
    private sealed class Answering(TaskCompletionSource<IActorRef> asked) : UntypedActor
    {
        protected override void OnReceive(object message) => asked.TrySetResult(Sender);
    }

    private sealed class Inbox
    {
        private readonly Channel<(long, long)> _numbers = Channel.CreateUnbounded<(long, long)>();

        public void Add(PublishedEvent e) => _numbers.Writer.TryWrite((e.Number, e.Previous));

        public async Task<(long Number, long Previous)> Next() => await _numbers.Reader.ReadAsync().AsTask().WaitAsync(Patience);
    }

    private sealed class Subscriber(Inbox seen) : UntypedActor
    {
        protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(PublishedEvent));

        protected override void OnReceive(object message) => seen.Add((PublishedEvent)message);
    }
}
