using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class SupervisionTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Counter : UntypedActor
    {
        private int _count;

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Exception e: throw e;
                case "count": Sender.Tell(_count); break;
                case "name": Sender.Tell(Self.Path.Name); break;
                default: _count++; break;
            }
        }
    }

    private sealed class Parent(SupervisorStrategy strategy) : UntypedActor
    {
        protected override SupervisorStrategy SupervisorStrategy() => strategy;
        protected override void OnReceive(object message) => Sender.Tell(Context.ActorOf(Props.Create<Counter>(), (string)message));
    }

    private async Task<IActorRef[]> Family(SupervisorStrategy strategy, int children = 1)
    {
        var parent = Sys.ActorOf(Props.Create(() => new Parent(strategy)));
        var made = new IActorRef[children];
        for (var i = 0; i < children; i++) made[i] = await parent.Ask<IActorRef>("c" + i, TimeSpan.FromSeconds(20));
        return made;
    }

    private static Task<int> Count(IActorRef actor) => actor.Ask<int>("count", TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Restart_loses_the_state()
    {
        var child = (await Family(new OneForOneStrategy(_ => Directive.Restart)))[0];
        child.Tell(1);
        child.Tell(new InvalidOperationException());
        child.Tell(1);
        Assert.Equal(1, await Count(child));
    }

    [Fact]
    public async Task Resume_keeps_the_state()
    {
        var child = (await Family(new OneForOneStrategy(_ => Directive.Resume)))[0];
        child.Tell(1);
        child.Tell(new InvalidOperationException());
        child.Tell(1);
        Assert.Equal(2, await Count(child));
    }

    [Fact]
    public async Task Stop_stops()
    {
        var child = (await Family(new OneForOneStrategy(_ => Directive.Stop)))[0];
        Watch(child);
        child.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(child);
    }

    [Fact]
    public async Task Escalate_makes_it_the_parents_failure()
    {
        var child = (await Family(new OneForOneStrategy(_ => Directive.Escalate)))[0];
        Watch(child);
        child.Tell(new InvalidOperationException());
        // The user guardian restarts the parent, whose default PreRestart stops its children.
        await ExpectTerminatedAsync(child);
    }

    [Fact]
    public async Task The_decider_sees_the_exception()
    {
        var child = (await Family(new OneForOneStrategy(e => e is ArgumentException ? Directive.Resume : Directive.Stop)))[0];
        child.Tell(1);
        child.Tell(new ArgumentException());
        Assert.Equal(1, await Count(child));
        Watch(child);
        child.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(child);
    }

    [Fact]
    public async Task Too_many_restarts_within_the_time_stop_the_child()
    {
        var child = (await Family(new OneForOneStrategy(2, TimeSpan.FromMinutes(1), _ => Directive.Restart)))[0];
        Watch(child);
        child.Tell(new InvalidOperationException("1"));
        child.Tell(new InvalidOperationException("2"));
        Assert.Equal(0, await Count(child));
        child.Tell(new InvalidOperationException("3"));
        await ExpectTerminatedAsync(child);
    }

    [Fact]
    public async Task No_retries_at_all_means_stop()
    {
        var child = (await Family(new OneForOneStrategy(0, TimeSpan.FromMinutes(1), _ => Directive.Restart)))[0];
        Watch(child);
        child.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(child);
    }

    [Fact]
    public async Task One_for_one_leaves_the_siblings_alone()
    {
        var children = await Family(new OneForOneStrategy(_ => Directive.Restart), 2);
        children[1].Tell(1);
        children[0].Tell(new InvalidOperationException());
        Assert.Equal(0, await Count(children[0]));
        Assert.Equal(1, await Count(children[1]));
    }

    [Fact]
    public async Task All_for_one_restarts_the_siblings_too()
    {
        var children = await Family(new AllForOneStrategy(_ => Directive.Restart), 3);
        foreach (var child in children) child.Tell(1);
        foreach (var child in children) Assert.Equal(1, await Count(child));
        children[0].Tell(new InvalidOperationException());
        foreach (var child in children) await AwaitAssertAsync(async () => Assert.Equal(0, await Count(child)));
    }

    [Fact]
    public async Task All_for_one_stops_the_siblings_too()
    {
        var children = await Family(new AllForOneStrategy(_ => Directive.Stop), 3);
        foreach (var child in children) Watch(child);
        children[1].Tell(new InvalidOperationException());
        var stopped = (await ExpectThree()).Select(t => t.ActorRef).ToHashSet();
        Assert.Equal([.. children], stopped);

        async Task<List<Terminated>> ExpectThree() =>
            [await ExpectMsgAsync<Terminated>(), await ExpectMsgAsync<Terminated>(), await ExpectMsgAsync<Terminated>()];
    }

    private sealed class Unborn : UntypedActor
    {
        public Unborn() => throw new InvalidOperationException("no");
        protected override void OnReceive(object message) { }
    }

    [Fact]
    public async Task An_actor_that_cannot_be_made_is_stopped_by_default()
    {
        var actor = Sys.ActorOf<Unborn>();
        Watch(actor);
        await ExpectTerminatedAsync(actor);
    }

    private sealed class Keeper(IActorRef probe) : UntypedActor
    {
        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
        {
            probe.Tell(e);
            return Directive.Stop;
        });
        protected override void OnReceive(object message) => Context.ActorOf((Props)message);
    }

    [Fact]
    public async Task A_failed_constructor_reaches_the_supervisor_as_an_initialization_error()
    {
        Sys.ActorOf(Props.Create(() => new Keeper(TestActor))).Tell(Props.Create<Unborn>());
        var e = await ExpectMsgAsync<ActorInitializationException>();
        Assert.Equal("no", Assert.IsType<InvalidOperationException>(e.InnerException).Message);
    }

    private sealed class Slow(TaskCompletionSource decided, TaskCompletionSource asked) : UntypedActor
    {
        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ =>
        {
            asked.SetResult();
            decided.Task.Wait(TimeSpan.FromSeconds(5));
            return Directive.Resume;
        });
        protected override void OnReceive(object message) => Sender.Tell(Context.ActorOf(Props.Create<Counter>()));
    }

    [Fact]
    public async Task A_failed_actor_handles_nothing_until_its_supervisor_has_decided()
    {
        var decided = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        var parent = Sys.ActorOf(Props.Create(() => new Slow(decided, asked)));
        var child = await parent.Ask<IActorRef>("x", TimeSpan.FromSeconds(20));
        child.Tell(new InvalidOperationException());
        child.Tell("name");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await ExpectNoMsgAsync(50);
        decided.SetResult();
        await ExpectMsgAsync<string>();
    }

    [Fact]
    public void A_decider_from_pairs_takes_the_first_that_fits()
    {
        var decider = Decider.From(Directive.Escalate, Directive.Stop.When<ArgumentNullException>(), Directive.Resume.When<ArgumentException>());
        Assert.Equal(Directive.Stop, decider.Decide(new ArgumentNullException()));
        Assert.Equal(Directive.Resume, decider.Decide(new ArgumentException()));
        Assert.Equal(Directive.Escalate, decider.Decide(new InvalidOperationException()));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException), Directive.Restart)]
    [InlineData(typeof(ActorKilledException), Directive.Stop)]
    [InlineData(typeof(ActorInitializationException), Directive.Stop)]
    public void The_default_decider(Type exception, Directive directive) =>
        Assert.Equal(directive, SupervisorStrategy.DefaultDecider.Decide((Exception)Activator.CreateInstance(exception)!));

    [Fact]
    public async Task A_failure_is_logged_with_the_path_of_the_actor()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Akka.Event.Error));
        var actor = Sys.ActorOf(Props.Create<Counter>(), "failing");
        actor.Tell(new InvalidOperationException("what went wrong"));
        var error = await ExpectMsgAsync<Akka.Event.Error>();
        Assert.Equal("akka://test/user/failing", error.LogSource);
        Assert.Equal("what went wrong", error.Message.ToString());
        Assert.IsType<InvalidOperationException>(error.Cause);
    }
}
