using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class LifecycleTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Hooked(IActorRef log) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Exception e) throw e;
            if (message is "child") Sender.Tell(Context.ActorOf(Props.Create(() => new Hooked(log)), "child"));
            else Sender.Tell(message);
        }

        protected override void PreStart() => log.Tell("PreStart " + Self.Path.Name);
        protected override void PostStop() => log.Tell("PostStop " + Self.Path.Name);

        protected override void PreRestart(Exception reason, object message)
        {
            log.Tell("PreRestart " + reason.Message + " " + message.GetType().Name);
            base.PreRestart(reason, message);
        }

        protected override void PostRestart(Exception reason)
        {
            log.Tell("PostRestart " + reason.Message);
            base.PostRestart(reason);
        }
    }

    private IActorRef Make(string name = "a") => Sys.ActorOf(Props.Create(() => new Hooked(TestActor)), name);

    [Fact]
    public async Task An_actor_starts_before_its_first_message()
    {
        var actor = Make();
        actor.Tell("x");
        await ExpectMsgAsync("PreStart a");
        await ExpectMsgAsync("x");
    }

    [Fact]
    public async Task Messages_of_one_sender_keep_their_order()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Hooked(ActorRefs.Nobody)));
        for (var i = 0; i < 1000; i++) actor.Tell(i);
        for (var i = 0; i < 1000; i++) await ExpectMsgAsync(i);
    }

    [Fact]
    public async Task A_restart_calls_the_hooks_in_order_and_keeps_the_mailbox()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        actor.Tell(new InvalidOperationException("boom"));
        actor.Tell("still there");
        await ExpectMsgAsync("PreRestart boom InvalidOperationException");
        await ExpectMsgAsync("PostStop a");
        await ExpectMsgAsync("PostRestart boom");
        await ExpectMsgAsync("PreStart a");
        await ExpectMsgAsync("still there");
    }

    [Fact]
    public async Task A_restart_stops_the_children_first()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        actor.Tell("child");
        var child = await FishForMessageAsync<IActorRef>(_ => true);
        Watch(child);
        actor.Tell(new InvalidOperationException("boom"));
        await FishForMessageAsync<Terminated>(t => t.ActorRef.Equals(child));
        await FishForMessageAsync<string>(m => m == "PostRestart boom");
    }

    [Fact]
    public async Task A_stopped_parent_has_stopped_its_children_before()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        actor.Tell("child");
        await FishForMessageAsync<IActorRef>(_ => true);
        Watch(actor);
        Sys.Stop(actor);
        await FishForMessageAsync<string>(m => m == "PostStop child");
        await ExpectMsgAsync("PostStop a");
        await ExpectTerminatedAsync(actor);
    }

    [Fact]
    public async Task After_its_stop_an_actor_gets_no_message_and_dead_letters_get_them()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        Watch(actor);
        actor.Tell(PoisonPill.Instance);
        actor.Tell("behind the pill");
        await FishForMessageAsync<DeadLetter>(d => d.Message is "behind the pill" && d.Recipient.Equals(actor));
        await ExpectTerminatedAsync(actor);
        actor.Tell("too late");
        var letter = await ExpectMsgAsync<DeadLetter>();
        Assert.Equal("too late", letter.Message);
        Assert.Equal(TestActor, letter.Sender);
    }

    [Fact]
    public async Task A_pill_waits_its_turn()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        actor.Tell("first");
        actor.Tell(PoisonPill.Instance);
        await ExpectMsgAsync("first");
        await ExpectMsgAsync("PostStop a");
    }

    [Fact]
    public async Task Kill_stops_an_actor_under_the_default_strategy()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        Watch(actor);
        actor.Tell(Kill.Instance);
        await FishForMessageAsync<Terminated>(t => t.ActorRef.Equals(actor));
    }

    [Fact]
    public async Task A_name_is_taken_until_the_actor_has_terminated()
    {
        var actor = Make("taken");
        Assert.Throws<InvalidActorNameException>(() => Make("taken"));
        Watch(actor);
        Sys.Stop(actor);
        await FishForMessageAsync<Terminated>(_ => true);
        var again = Make("taken");
        Assert.Equal(actor.Path, again.Path);
        Assert.NotEqual(actor, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("$a")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a%2")]
    public void A_bad_name_is_refused(string name) => Assert.Throws<InvalidActorNameException>(() => Make(name));

    [Theory]
    [InlineData("a.b-c_d")]
    [InlineData("x%20y")]
    [InlineData("(1)*+:@&=,!~';")]
    public void A_good_name_is_taken(string name) => Assert.Equal(name, Make(name).Path.Name);

    [Fact]
    public void Unnamed_actors_get_names_of_their_own()
    {
        var names = Enumerable.Range(0, 200).Select(_ => Sys.ActorOf(Props.Empty).Path.Name).ToHashSet();
        Assert.Equal(200, names.Count);
        Assert.All(names, n => Assert.StartsWith("$", n, StringComparison.Ordinal));
    }

    [Fact]
    public void An_actor_is_made_by_a_system_only() => Assert.Throws<ActorInitializationException>(() =>
    {
        ActorCellOff(() => new Hooked(ActorRefs.Nobody));
    });

    // The kit makes this thread a test actor's; a constructor called on another thread has no actor around it.
    private static void ActorCellOff(Func<object> make)
    {
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => make()));
        thread.Start();
        thread.Join();
        if (thrown is not null) throw thrown;
    }

    private sealed class Switching : ReceiveActor
    {
        public Switching() => Plain();

        private void Plain()
        {
            Receive<string>(s => s == "shout", _ => Become(Loud));
            Receive<string>(s => s == "stack", _ => BecomeStacked(Stacked));
            Receive<string>(s => Sender.Tell(s));
        }

        private void Loud() => Receive<string>(s => Sender.Tell(s.ToUpperInvariant()));

        private void Stacked()
        {
            Receive<int>(_ => UnbecomeStacked());
            ReceiveAny(m => Sender.Tell("stacked " + m));
        }
    }

    [Fact]
    public async Task Become_replaces_the_behaviour_and_a_stacked_one_can_be_undone()
    {
        var actor = Sys.ActorOf<Switching>();
        actor.Tell("a");
        actor.Tell("stack");
        actor.Tell("b");
        actor.Tell(1);
        actor.Tell("c");
        actor.Tell("shout");
        actor.Tell("d");
        foreach (var expected in new[] { "a", "stacked b", "c", "D" }) await ExpectMsgAsync(expected);
    }

    [Fact]
    public async Task What_no_handler_takes_is_published_as_unhandled()
    {
        var actor = Sys.ActorOf<Switching>();
        Sys.EventStream.Subscribe(TestActor, typeof(UnhandledMessage));
        actor.Tell(3.5);
        var unhandled = await ExpectMsgAsync<UnhandledMessage>();
        Assert.Equal(3.5, unhandled.Message);
        Assert.Equal(actor, unhandled.Recipient);
    }

    [Fact]
    public async Task Identify_is_answered_by_the_living_and_for_the_dead()
    {
        var actor = Make();
        await ExpectMsgAsync("PreStart a");
        actor.Tell(new Identify(7));
        Assert.Equal(actor, (await ExpectMsgAsync<ActorIdentity>()).Subject);
        Sys.ActorSelection("/user/nobody").Tell(new Identify(8));
        var nobody = await ExpectMsgAsync<ActorIdentity>();
        Assert.Equal(8, nobody.MessageId);
        Assert.Null(nobody.Subject);
    }

    [Fact]
    public async Task A_receive_timeout_comes_after_the_silence()
    {
        Sys.ActorOf(Props.Create(() => new Impatient(TestActor)));
        await ExpectMsgAsync("timeout");
    }

    private sealed class Impatient : ReceiveActor
    {
        public Impatient(IActorRef to)
        {
            SetReceiveTimeout(TimeSpan.FromMilliseconds(20));
            Receive<ReceiveTimeout>(_ =>
            {
                SetReceiveTimeout(null);
                to.Tell("timeout");
            });
        }
    }

    [Fact]
    public void A_null_message_is_refused() => Assert.Throws<InvalidMessageException>(() => TestActor.Tell(null, ActorRefs.NoSender));

    [Fact]
    public void Props_want_a_constructor_call() => Assert.Throws<ArgumentException>(() => Props.Create(() => Ready()));

    private static Switching Ready() => throw new InvalidOperationException();
}
