using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class MailboxAndDispatcherTests() : TestKit(Hocon)
{
    private static readonly string Hocon = $$"""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        small { mailbox-type = "Akka.Dispatch.BoundedMailbox", mailbox-capacity = 2, mailbox-push-timeout-time = 10ms }
        by-priority { mailbox-type = "{{typeof(ByNumber).AssemblyQualifiedName}}" }
        own-thread { type = PinnedDispatcher }
        two-threads { type = ForkJoinDispatcher, throughput = 1, dedicated-thread-pool { thread-count = 2 } }
        in-quotes { "own.thread" { type = PinnedDispatcher } }
        broken { type = "No.Such.Dispatcher" }
        """;

    public sealed class ByNumber(Settings settings, Config config) : UnboundedPriorityMailbox(settings, config)
    {
        protected override int PriorityGenerator(object message) => message is int i ? i : 1000;
    }

    private sealed class Blocked(Task gate, TaskCompletionSource entered) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is "block")
            {
                entered.TrySetResult();
                gate.Wait(TimeSpan.FromSeconds(5));
            }
            else Sender.Tell(message);
        }
    }

    private async Task<(IActorRef, TaskCompletionSource)> BlockedActor(Func<Props, Props> with)
    {
        var gate = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        var actor = Sys.ActorOf(with(Props.Create(() => new Blocked(gate.Task, entered))));
        actor.Tell("block");
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return (actor, gate);
    }

    [Fact]
    public async Task What_does_not_fit_into_a_bounded_mailbox_is_a_dead_letter()
    {
        var (actor, gate) = await BlockedActor(p => p.WithMailbox("small"));
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        foreach (var i in new[] { 1, 2, 3 }) actor.Tell(i);
        Assert.Equal(3, (await ExpectMsgAsync<DeadLetter>()).Message);
        gate.SetResult();
        await ExpectMsgAsync(1);
        await ExpectMsgAsync(2);
    }

    [Fact]
    public async Task A_priority_mailbox_gives_the_lowest_number_first()
    {
        var (actor, gate) = await BlockedActor(p => p.WithMailbox("by-priority"));
        foreach (var i in new[] { 5, 1, 3 }) actor.Tell(i);
        gate.SetResult();
        foreach (var i in new[] { 1, 3, 5 }) await ExpectMsgAsync(i);
    }

    private sealed class WhereAmI : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell((Environment.CurrentManagedThreadId, Thread.CurrentThread.Name));
    }

    private static async Task<(int Id, string? Name)> Where(IActorRef actor) => await actor.Ask<(int, string?)>("?", TimeSpan.FromSeconds(20));

    [Fact]
    public async Task A_pinned_actor_has_a_thread_of_its_own()
    {
        var one = Sys.ActorOf(Props.Create<WhereAmI>().WithDispatcher("own-thread"));
        var two = Sys.ActorOf(Props.Create<WhereAmI>().WithDispatcher("own-thread"));
        var first = await Where(one);
        for (var i = 0; i < 20; i++) Assert.Equal(first.Id, (await Where(one)).Id);
        Assert.NotEqual(first.Id, (await Where(two)).Id);
    }

    [Fact]
    public async Task A_dispatcher_may_have_a_name_in_quotes()
    {
        var actor = Sys.ActorOf(Props.Create<WhereAmI>().WithDispatcher("in-quotes.\"own.thread\""));
        Assert.StartsWith("in-quotes.\"own.thread\"", (await Where(actor)).Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dedicated_threads_carry_the_name_of_their_dispatcher()
    {
        var seen = new ConcurrentDictionary<int, string?>();
        var actors = Enumerable.Range(0, 20).Select(_ => Sys.ActorOf(Props.Create<WhereAmI>().WithDispatcher("two-threads"))).ToArray();
        foreach (var actor in actors)
        {
            var (id, name) = await Where(actor);
            seen[id] = name;
        }
        Assert.InRange(seen.Count, 1, 2);
        Assert.All(seen.Values, n => Assert.StartsWith("two-threads", n, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_default_dispatcher_is_the_thread_pool()
    {
        var actor = Sys.ActorOf(Props.Create(() => new OnPool()));
        Assert.True(await actor.Ask<bool>("?", TimeSpan.FromSeconds(20)));
    }

    private sealed class OnPool : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(Thread.CurrentThread.IsThreadPoolThread);
    }

    [Fact]
    public void Unknown_dispatchers_and_mailboxes_are_configuration_errors()
    {
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Empty.WithDispatcher("nowhere")));
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Empty.WithDispatcher("broken")));
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Empty.WithMailbox("nowhere")));
    }

    [Fact]
    public void A_failed_creation_leaves_the_name_free()
    {
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Empty.WithMailbox("nowhere"), "n"));
        Assert.Equal("n", Sys.ActorOf(Props.Empty, "n").Path.Name);
    }

    private sealed class Asking(IActorRef whom) : UntypedActor
    {
        // Not to be imitated: the thread waits for another actor.
        protected override void OnReceive(object message) => Sender.Tell(whom.Ask<bool>(message, TimeSpan.FromSeconds(20)).Result);
    }

    [Fact]
    public async Task Actors_that_block_the_default_dispatchers_threads_hold_nobody_up_for_good()
    {
        var chain = Sys.ActorOf<OnPool>();
        for (var i = 0; i < 8; i++)
        {
            var whom = chain;
            chain = Sys.ActorOf(Props.Create(() => new Asking(whom)));
        }
        Assert.True(await chain.Ask<bool>("?", TimeSpan.FromSeconds(25)));
    }

    [Fact]
    public async Task A_mailbox_keeps_the_order_of_each_of_many_senders_while_it_grows_and_shrinks()
    {
        const int senders = 4, each = 20_000;
        var done = new TaskCompletionSource();
        var actor = Sys.ActorOf(Props.Create(() => new Ordered(senders, each, done)));
        await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                actor.Tell((sender, i), ActorRefs.NoSender);
                // Bursts of all lengths: some fit into what is there, some do not.
                if (i % (1 + i / 50) == 0) await Task.Yield();
            }
        })));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, ((LocalActorRef)actor).Cell.NumberOfMessages);
    }

    private sealed class Ordered(int senders, int each, TaskCompletionSource done) : UntypedActor
    {
        private readonly int[] _next = new int[senders];

        protected override void OnReceive(object message)
        {
            var (sender, number) = ((int, int))message;
            if (_next[sender]++ != number) done.TrySetException(new InvalidOperationException($"{number} of {sender} is out of order"));
            else if (_next.All(n => n == each)) done.TrySetResult();
        }
    }

    [Fact]
    public async Task Two_blocked_threads_leave_the_rest_of_the_system_alive()
    {
        var (one, gate1) = await BlockedActor(p => p.WithDispatcher("two-threads"));
        var (_, gate2) = await BlockedActor(p => p.WithDispatcher("two-threads"));
        one.Tell("late");
        Assert.True(await Sys.ActorOf<OnPool>().Ask<bool>("?", TimeSpan.FromSeconds(20)));
        await ExpectNoMsgAsync(20);
        gate1.SetResult();
        gate2.SetResult();
        await ExpectMsgAsync("late");
    }
}
