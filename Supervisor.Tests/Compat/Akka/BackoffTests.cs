using Akka.Actor;
using Akka.Pattern;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class BackoffTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10), Long = TimeSpan.FromMinutes(5), Patience = TimeSpan.FromSeconds(10);

    private sealed class Child : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Exception e) throw e;
            if (message is "reset") Context.Parent.Tell(BackoffSupervisor.Reset.Instance);
            else Sender.Tell(message);
        }
    }

    private static BackoffOptions OnStop(TimeSpan pause, int retries = -1) => Backoff.OnStop(Props.Create<Child>(), "c", pause, pause, 0.2, retries);
    private static BackoffOptions OnFailure(TimeSpan pause, int retries = -1) => Backoff.OnFailure(Props.Create<Child>(), "c", pause, pause, 0.2, retries);
    private IActorRef Start(BackoffOptions options) => Sys.ActorOf(BackoffSupervisor.Props(options));
    private static async Task<IActorRef> ChildOf(IActorRef supervisor) =>
        (await supervisor.Ask<BackoffSupervisor.CurrentChild>(BackoffSupervisor.GetCurrentChild.Instance, Patience)).Ref;
    private static async Task<int> Restarts(IActorRef supervisor) =>
        (await supervisor.Ask<BackoffSupervisor.RestartCount>(BackoffSupervisor.GetRestartCount.Instance, Patience)).Count;

    private async Task FailsAndComesBack(IActorRef supervisor)
    {
        var first = await ChildOf(supervisor);
        Watch(first);
        supervisor.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(first);
        await AwaitAssertAsync(async () =>
        {
            var next = await ChildOf(supervisor);
            Assert.False(next.IsNobody());
            Assert.NotEqual(first, next);
        }, Patience, Short);
    }

    [Fact]
    public async Task The_strategy_decides_what_is_backed_off_from()
    {
        await FailsAndComesBack(Start(OnStop(Short).WithDefaultStoppingStrategy()));
        await FailsAndComesBack(Start(OnStop(Short).WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop))));
        await FailsAndComesBack(Start(OnFailure(Short).WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Restart))));
        var ends = Start(OnFailure(Short).WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop)));
        Watch(ends);
        ends.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(ends);
    }

    [Fact]
    public async Task With_auto_reset_the_count_starts_again_after_a_quiet_time()
    {
        var supervisor = Start(OnFailure(Short).WithAutoReset(TimeSpan.FromMilliseconds(50)));
        await FailsAndComesBack(supervisor);
        await AwaitAssertAsync(async () => Assert.Equal(0, await Restarts(supervisor)), Patience, Short);
    }

    [Fact]
    public async Task With_manual_reset_the_count_stays_until_the_child_says_so()
    {
        var supervisor = Start(OnFailure(Short).WithManualReset());
        await FailsAndComesBack(supervisor);
        Assert.Equal(1, await Restarts(supervisor));
        supervisor.Tell("reset");
        await AwaitAssertAsync(async () => Assert.Equal(0, await Restarts(supervisor)), Patience, Short);
    }

    [Fact]
    public async Task While_there_is_no_child_an_answer_is_given_if_there_is_one_to_give()
    {
        var supervisor = Start(OnFailure(Long).WithReplyWhileStopped("stopped"));
        var silent = Start(OnFailure(Long));
        foreach (var one in new[] { supervisor, silent })
        {
            var child = await ChildOf(one);
            Watch(child);
            one.Tell(new InvalidOperationException());
            await ExpectTerminatedAsync(child);
            await AwaitAssertAsync(async () => Assert.Equal(1, await Restarts(one)), Patience, Short);
        }
        silent.Tell("lost");
        supervisor.Tell("x");
        await ExpectMsgAsync("stopped");
    }

    [Fact]
    public async Task When_its_retries_are_used_up_it_stops()
    {
        var supervisor = Start(OnStop(Short).WithMaxNrOfRetries(1).WithManualReset().WithDefaultStoppingStrategy());
        await FailsAndComesBack(supervisor);
        Watch(supervisor);
        supervisor.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(supervisor);
    }
}
