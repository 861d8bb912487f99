using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;

namespace Supervisor.Tests.Actors;

/// <summary>A place in the history: no gap, no repetition, and at most a window held, however slow its reader.</summary>
public sealed class EventHistoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-history-");
    private ActorSystem _system = null!;
    private IActorRef _log = null!;

    public Task InitializeAsync()
    {
        var packaged = File.ReadAllText(Path.Join(Repository.Root, "hocon", "supervisor.hocon"));
        var journal = $"Data Source={Path.Join(_place.FullName, "journal.db")}";
        _system = ActorSystem.Create("history", ConfigurationFactory.ParseString($$"""
            akka.persistence { journal.sqlite.connection-string = "{{journal}}", snapshot-store.sqlite.connection-string = "{{journal}}" }
            """).WithFallback(ConfigurationFactory.ParseString(packaged)));
        _log = _system.ActorOf(Props.Create(() => new EventLogActor(new EventRetention(1_500, TimeSpan.FromDays(1), 1 << 20))));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _system.Terminate().WaitAsync(Patience);
        _place.Delete(recursive: true);
    }

    [Fact]
    public async Task From_the_beginning_through_now_and_a_full_window_every_number_comes_once()
    {
        await Publish(30);
        var reader = _system.ActorOf(EventHistoryActor.Props(from: 5, window: 8));
        var numbers = new List<long>();
        await Pull(reader, numbers, until: 30);
        await Publish(50); // far more than its window, while nobody pulls
        await Pull(reader, numbers, until: 80);
        var pulling = Pull(reader, numbers, until: 90);
        await Publish(10);
        await pulling;
        Assert.Equal(Enumerable.Range(5, 86).Select(n => (long)n), numbers);
    }

    [Fact]
    public async Task From_now_on_begins_with_the_next()
    {
        await Publish(3);
        var reader = _system.ActorOf(EventHistoryActor.Props(from: 0, window: 8));
        await reader.Ask<EventHistory.Stand>(EventHistory.Stand.Instance, Patience);
        await Publish(20);
        var numbers = new List<long>();
        await Pull(reader, numbers, until: 23);
        Assert.Equal(Enumerable.Range(4, 20).Select(n => (long)n), numbers);
    }

    [Fact]
    public async Task What_is_not_there_yet_or_no_longer_is_refused_with_the_numbers_that_are()
    {
        await Publish(3);
        var early = _system.ActorOf(EventHistoryActor.Props(from: 9, window: 8));
        var ended = Assert.IsType<EventHistory.Ended>(await early.Ask<EventHistory>(EventHistory.Pull.Instance, Patience));
        Assert.True(ended.OutOfRange);
        Assert.Contains("ends at number 3", ended.Reason, StringComparison.Ordinal);
        await Publish(4_000); // of which 1,500 are kept, by thousands
        for (var end = DateTime.UtcNow + Patience; ;)
        {
            var late = _system.ActorOf(EventHistoryActor.Props(from: 1, window: 8));
            if (await late.Ask<EventHistory>(EventHistory.Pull.Instance, Patience) is EventHistory.Ended gone)
            {
                Assert.True(gone.OutOfRange);
                Assert.Contains("begins at number", gone.Reason, StringComparison.Ordinal);
                return;
            }
            Assert.True(DateTime.UtcNow < end, "nothing is ever deleted");
        }
    }

    [Fact]
    public async Task What_a_source_tells_again_is_published_once_and_what_is_known_is_not_even_made()
    {
        var first = Of("a", 1);
        Assert.Equal(1, (await _log.Ask<PublishedEvent>(first, Patience)).Number);
        _log.Tell(new PublishAgain("a", 1, WantsAnswer: false, Never()));
        _log.Tell(new PublishAgain("b", 7, WantsAnswer: false, [Of("b", 5), Of("b", 7)])); // its intents have numbers, too
        var told = new List<PublishedEvent>();
        using var answers = new BlockingCollection<PublishedEvent>();
        var again = new PublishAgain("a", 2, WantsAnswer: true, [first, Of("a", 2)]);
        _system.ActorOf(Props.Create(() => new Source(_log, again, answers)));
        for (var i = 0; i < 2; i++) told.Add(await Task.Run(() => answers.TryTake(out var answer, Patience) ? answer : throw new TimeoutException()));
        // Of what is known the number that it got is not looked for; that of the last is its own.
        Assert.Equal(4, told[1].Number);
        Assert.Equal(5, (await _log.Ask<PublishedEvent>(Of("c", 1), Patience)).Number);

        static PublishEvent Of(string source, long number) => new(source, number, DateTimeOffset.UtcNow, "n", "/t", new Any { TypeUrl = "x" }, WantsAnswer: source is not "b");

        static IEnumerable<PublishEvent> Never()
        {
            if (Environment.ProcessId != 0) throw new InvalidOperationException("it is known");
            yield break;
        }
    }

    [Fact]
    public void A_stretch_goes_when_it_is_beyond_any_bound_and_the_newest_never_does()
    {
        var t = DateTimeOffset.UnixEpoch;
        EventStretch a = new(1, t, 100), b = new(1_000, t.AddHours(1), 100), c = new(2_000, t.AddHours(2), 100);
        Assert.Equal(new[] { a, b, c }, new EventRetention(10_000, TimeSpan.FromDays(1), 1_000).Keep([a, b, c], 2_500, t.AddHours(3)));
        Assert.Equal(new[] { b, c }, new EventRetention(2_000, TimeSpan.FromDays(1), 1_000).Keep([a, b, c], 2_500, t.AddHours(3)));
        Assert.Equal(new[] { b, c }, new EventRetention(10_000, TimeSpan.FromDays(1), 250).Keep([a, b, c], 2_500, t.AddHours(3)));
        Assert.Equal(new[] { c }, new EventRetention(10_000, TimeSpan.FromMinutes(30), 1_000).Keep([a, b, c], 2_500, t.AddHours(3)));
        Assert.Equal(new[] { c }, new EventRetention(1, TimeSpan.Zero, 0).Keep([a, b, c], 2_500, t.AddHours(3)));
    }

    private async Task Publish(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var order = new PublishEvent("", 0, DateTimeOffset.UtcNow, "n", "/t", new Any { TypeUrl = "x" }, WantsAnswer: i == count - 1);
            if (order.WantsAnswer) await _log.Ask<PublishedEvent>(order, Patience);
            else _log.Tell(order);
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

    private sealed class Source(IActorRef log, PublishAgain again, BlockingCollection<PublishedEvent> answers) : UntypedActor
    {
        protected override void PreStart() => log.Tell(again);

        protected override void OnReceive(object message) => answers.Add(Assert.IsType<PublishedEvent>(message));
    }
}
