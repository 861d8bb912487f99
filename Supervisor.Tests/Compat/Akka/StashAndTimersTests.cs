using Akka.Actor;
using Akka.Event;
using Akka.TestKit;
using Akka.TestKit.Configs;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class StashTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Gate : ReceiveActor, IWithUnboundedStash
    {
        public IStash Stash { get; set; } = null!;

        public Gate()
        {
            Receive<Exception>(e => throw e);
            Receive<string>(s => s == "open", _ =>
            {
                Stash.UnstashAll();
                Become(() => ReceiveAny(m => Sender.Tell(m)));
            });
            Receive<string>(s => s == "twice", _ =>
            {
                Stash.Stash();
                Stash.Stash();
            });
            ReceiveAny(_ => Stash.Stash());
        }
    }

    [Fact]
    public async Task Stashed_messages_come_back_in_order_and_before_later_ones()
    {
        var gate = Sys.ActorOf<Gate>();
        foreach (var m in new object[] { 1, 2, 3, "open", 4 }) gate.Tell(m);
        foreach (var expected in new[] { 1, 2, 3, 4 }) await ExpectMsgAsync(expected);
    }

    [Fact]
    public async Task A_restart_gives_the_stash_back_to_the_mailbox()
    {
        var gate = Sys.ActorOf<Gate>();
        foreach (var m in new object[] { 1, 2, new InvalidOperationException(), "open" }) gate.Tell(m);
        await ExpectMsgAsync(1);
        await ExpectMsgAsync(2);
    }

    [Fact]
    public async Task A_stop_makes_dead_letters_of_the_stash()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        var gate = Sys.ActorOf<Gate>();
        gate.Tell("kept");
        gate.Tell(PoisonPill.Instance);
        Assert.Equal("kept", (await ExpectMsgAsync<DeadLetter>()).Message);
    }

    [Fact]
    public async Task The_same_message_cannot_be_stashed_twice()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Error));
        Sys.ActorOf<Gate>().Tell("twice");
        Assert.IsType<IllegalActorStateException>((await ExpectMsgAsync<Error>()).Cause);
    }
}

public sealed class TimerTests() : TestKit(TestConfigs.TestSchedulerConfig)
{
    private TestScheduler Time => (TestScheduler)Sys.Scheduler;

    private sealed class Ticking : ReceiveActor, IWithTimers
    {
        public ITimerScheduler Timers { get; set; } = null!;

        public Ticking(IActorRef to)
        {
            Receive<string>(s => s == "once", _ => Timers.StartSingleTimer("k", 1, TimeSpan.FromSeconds(10)));
            Receive<string>(s => s == "often", _ => Timers.StartPeriodicTimer("k", 2, TimeSpan.FromSeconds(10)));
            Receive<string>(s => s == "replace", _ => Timers.StartSingleTimer("k", 3, TimeSpan.FromSeconds(20)));
            Receive<string>(s => s == "cancel", _ => Timers.Cancel("k"));
            Receive<string>(s => s == "active", _ => to.Tell(Timers.IsTimerActive("k")));
            Receive<string>(s => s == "fail", _ => throw new InvalidOperationException());
            Receive<int>(i => to.Tell(i));
        }
    }

    private async Task<IActorRef> Ticker(string first)
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(first);
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(3));
        return actor;
    }

    [Fact]
    public async Task A_single_timer_fires_once_and_is_over()
    {
        var actor = await Ticker("once");
        Time.Advance(TimeSpan.FromSeconds(9));
        await ExpectNoMsgAsync(20);
        Time.Advance(TimeSpan.FromSeconds(1));
        await ExpectMsgAsync(1);
        actor.Tell("active");
        await ExpectMsgAsync(false);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task A_periodic_timer_fires_again_and_again()
    {
        await Ticker("often");
        Time.Advance(TimeSpan.FromSeconds(30));
        for (var i = 0; i < 3; i++) await ExpectMsgAsync(2);
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task A_cancelled_timer_is_silent()
    {
        var actor = await Ticker("often");
        actor.Tell("cancel");
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(3));
        Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task The_same_key_replaces_the_timer()
    {
        var actor = await Ticker("once");
        actor.Tell("replace");
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(3));
        Time.Advance(TimeSpan.FromSeconds(30));
        await ExpectMsgAsync(3);
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task A_restart_cancels_all_timers()
    {
        var actor = await Ticker("often");
        await EventFilter.Exception<InvalidOperationException>().ExpectOneAsync(() =>
        {
            actor.Tell("fail");
            return Task.CompletedTask;
        });
        Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task The_test_scheduler_fires_in_the_order_of_time()
    {
        var scheduler = Sys.Scheduler;
        scheduler.ScheduleTellOnce(TimeSpan.FromSeconds(2), TestActor, "second", ActorRefs.NoSender);
        scheduler.ScheduleTellOnce(TimeSpan.FromSeconds(1), TestActor, "first", ActorRefs.NoSender);
        Time.Advance(TimeSpan.FromSeconds(5));
        await ExpectMsgAsync("first");
        await ExpectMsgAsync("second");
    }
}

public sealed class SchedulerTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    [Fact]
    public async Task A_tell_comes_after_its_delay_and_not_before()
    {
        var before = Sys.Scheduler.MonotonicClock;
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(60), TestActor, "now", TestActor);
        await ExpectMsgAsync("now");
        Assert.True(Sys.Scheduler.MonotonicClock - before >= TimeSpan.FromMilliseconds(55));
    }

    [Fact]
    public async Task Earlier_deadlines_overtake_later_ones()
    {
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(150), TestActor, "late", TestActor);
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(20), TestActor, "early", TestActor);
        await ExpectMsgAsync("early");
        await ExpectMsgAsync("late");
    }

    [Fact]
    public async Task A_cancelled_tell_does_not_come()
    {
        var cancelable = Sys.Scheduler.ScheduleTellOnceCancelable(TimeSpan.FromMilliseconds(20), TestActor, "never", TestActor);
        cancelable.Cancel();
        Assert.True(cancelable.IsCancellationRequested);
        Assert.True(cancelable.Token.IsCancellationRequested);
        await ExpectNoMsgAsync(80);
    }

    [Fact]
    public async Task A_repeated_tell_ends_with_its_cancellation()
    {
        var cancelable = Sys.Scheduler.ScheduleTellRepeatedlyCancelable(0, 10, TestActor, "tick", TestActor);
        for (var i = 0; i < 5; i++) await ExpectMsgAsync("tick");
        cancelable.Cancel();
        await FlushAsync();
        await ExpectNoMsgAsync(60);

        async Task FlushAsync()
        {
            TestActor.Tell("end");
            await FishForMessageAsync<string>(m => m == "end");
        }
    }

    [Fact]
    public async Task An_action_that_throws_does_not_harm_the_scheduler()
    {
        Sys.Scheduler.Advanced.ScheduleOnce(0, () => throw new InvalidOperationException());
        Sys.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromMilliseconds(5), () => TestActor.Tell("alive", ActorRefs.NoSender));
        await ExpectMsgAsync("alive");
    }

    [Fact]
    public void Delays_and_intervals_are_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromSeconds(-1), TestActor, "x", TestActor));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellRepeatedly(TimeSpan.Zero, TimeSpan.Zero, TestActor, "x", TestActor));
    }
}
