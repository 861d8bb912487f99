using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class DeathWatchTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Idle : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }

    private sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef to)
        {
            Receive<(string Verb, IActorRef Actor)>(m =>
            {
                if (m.Verb == "watch") Context.Watch(m.Actor);
                if (m.Verb == "unwatch") Context.Unwatch(m.Actor);
                if (m.Verb == "with") Context.WatchWith(m.Actor, "gone: " + m.Actor.Path.Name);
                if (m.Verb == "make") Sender.Tell(Context.Watch(Context.ActorOf<Idle>("child")));
                Sender.Tell("done");
            });
            Receive<Terminated>(t =>
            {
                // In the handler of Terminated the name is free again.
                if (t.ActorRef.Path.Name == "child") Context.ActorOf<Idle>("child");
                // The news itself: a Terminated told on is dropped by whoever did not watch.
                to.Tell(t.ActorRef);
            });
            Receive<string>(s => to.Tell(s));
        }
    }

    private IActorRef NewWatcher() => Sys.ActorOf(Props.Create(() => new Watcher(TestActor)));
    private static Task<string> Order(IActorRef watcher, string verb, IActorRef actor) => watcher.Ask<string>((verb, actor), TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Terminated_comes_exactly_once()
    {
        var actor = Sys.ActorOf<Idle>();
        var watcher = NewWatcher();
        await Order(watcher, "watch", actor);
        await Order(watcher, "watch", actor);
        Sys.Stop(actor);
        await ExpectMsgAsync(actor);
        await ExpectNoMsgAsync(50);
    }

    [Fact]
    public async Task The_dead_are_reported_at_once()
    {
        var actor = Sys.ActorOf<Idle>();
        await actor.GracefulStop(TimeSpan.FromSeconds(20));
        await Order(NewWatcher(), "watch", actor);
        await ExpectMsgAsync(actor);
    }

    [Fact]
    public async Task After_unwatch_nothing_comes()
    {
        var actor = Sys.ActorOf<Idle>();
        var watcher = NewWatcher();
        await Order(watcher, "watch", actor);
        await Order(watcher, "unwatch", actor);
        await actor.GracefulStop(TimeSpan.FromSeconds(20));
        await ExpectNoMsgAsync(50);
    }

    [Fact]
    public async Task Watch_with_sends_the_message_instead()
    {
        var actor = Sys.ActorOf(Props.Create<Idle>(), "w");
        await Order(NewWatcher(), "with", actor);
        Sys.Stop(actor);
        await ExpectMsgAsync("gone: w");
    }

    [Fact]
    public async Task When_a_parent_hears_of_its_childs_death_the_name_is_free()
    {
        var watcher = NewWatcher();
        watcher.Tell(("make", TestActor));
        var child = await ExpectMsgAsync<IActorRef>();
        await ExpectMsgAsync("done");
        child.Tell(PoisonPill.Instance);
        await ExpectMsgAsync(child);
        var again = await Sys.ActorSelection(watcher.Path / "child").ResolveOne(TimeSpan.FromSeconds(20));
        Assert.NotEqual(child, again);
    }

    private sealed class Careless(IActorRef watched) : UntypedActor
    {
        protected override void PreStart() => Context.Watch(watched);
        protected override void OnReceive(object message) => Unhandled(message);
    }

    [Fact]
    public async Task Who_does_not_handle_terminated_dies_as_well()
    {
        var watched = Sys.ActorOf<Idle>();
        var careless = Sys.ActorOf(Props.Create(() => new Careless(watched)));
        Watch(careless);
        await careless.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(20));
        Sys.Stop(watched);
        await ExpectTerminatedAsync(careless);
    }

    [Fact]
    public async Task Watchers_that_die_are_forgotten()
    {
        var actor = Sys.ActorOf<Idle>();
        var watcher = NewWatcher();
        await Order(watcher, "watch", actor);
        await watcher.GracefulStop(TimeSpan.FromSeconds(20));
        Assert.True(await actor.GracefulStop(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Graceful_stop_is_false_when_it_takes_too_long_and_true_for_the_dead()
    {
        var gate = new ManualResetEventSlim();
        var actor = Sys.ActorOf(Props.Create(() => new Stuck(gate)));
        actor.Tell("x");
        Watch(actor);
        Assert.False(await actor.GracefulStop(TimeSpan.FromMilliseconds(50)));
        gate.Set();
        await ExpectTerminatedAsync(actor);
        Assert.True(await actor.GracefulStop(TimeSpan.FromSeconds(20)));
    }

    private sealed class Stuck(ManualResetEventSlim gate) : UntypedActor
    {
        protected override void OnReceive(object message) => gate.Wait(TimeSpan.FromSeconds(5));
    }
}
