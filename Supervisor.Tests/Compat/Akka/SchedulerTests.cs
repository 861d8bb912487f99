using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

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
