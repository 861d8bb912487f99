using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Configs;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

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
            Receive<string>(s => s == "later", _ =>
            {
                Timers.StartPeriodicTimer("late", 4, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
                Timers.StartSingleTimer("from", "from", TimeSpan.FromSeconds(7), to);
            });
            Receive<string>(s => s == "from", _ => to.Tell(Sender));
            Receive<string>(s => s == "keys", _ => to.Tell(Timers.ActiveTimers.Count));
            Receive<string>(s => s == "none", _ => Timers.CancelAll());
            Receive<string>(s => s == "active", _ => to.Tell(Timers.IsTimerActive("k")));
            Receive<string>(s => s == "fail", _ => throw new InvalidOperationException());
            Receive<int>(i => to.Tell(i));
        }
    }

    private async Task<IActorRef> Ticker(string first)
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(first);
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(20));
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
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(20));
        Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task The_same_key_replaces_the_timer()
    {
        var actor = await Ticker("once");
        actor.Tell("replace");
        await actor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(20));
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

    [Fact]
    public async Task A_timer_may_begin_later_have_a_sender_and_all_can_be_cancelled()
    {
        var actor = await Ticker("later");
        actor.Tell("keys");
        await ExpectMsgAsync(2);
        Time.Advance(TimeSpan.FromSeconds(5));
        await ExpectMsgAsync(4);
        Time.Advance(TimeSpan.FromSeconds(2));
        await ExpectMsgAsync(TestActor);
        Time.Advance(TimeSpan.FromSeconds(8));
        await ExpectMsgAsync(4);
        actor.Tell("none");
        actor.Tell("keys");
        await ExpectMsgAsync(0);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectNoMsgAsync(20);
    }
}
