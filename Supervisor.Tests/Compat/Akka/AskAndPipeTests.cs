using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class AskAndPipeTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Answering : ReceiveActor
    {
        public Answering()
        {
            Receive<string>(s => s == "silence", _ => { });
            Receive<string>(s => s == "failure", _ => Sender.Tell(new Status.Failure(new InvalidOperationException("cause"))));
            Receive<string>(s => s == "twice", _ =>
            {
                Sender.Tell("one");
                Sender.Tell("two");
            });
            ReceiveAny(m => Sender.Tell(m));
        }
    }

    private IActorRef Actor() => Sys.ActorOf<Answering>();

    [Fact]
    public async Task An_answer_ends_the_ask() => Assert.Equal(5, await Actor().Ask<int>(5, TimeSpan.FromSeconds(20)));

    [Fact]
    public async Task No_answer_in_time_is_a_timeout() =>
        await Assert.ThrowsAsync<AskTimeoutException>(() => Actor().Ask<string>("silence", TimeSpan.FromMilliseconds(30)));

    [Fact]
    public async Task A_failure_is_thrown()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => Actor().Ask<string>("failure", TimeSpan.FromSeconds(3)));
        Assert.Equal("cause", e.Message);
    }

    [Fact]
    public async Task An_answer_of_another_type_is_an_error() =>
        await Assert.ThrowsAsync<ArgumentException>(() => Actor().Ask<string>(5, TimeSpan.FromSeconds(3)));

    [Fact]
    public async Task A_cancelled_ask_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        var ask = Actor().Ask<string>("silence", null, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ask);
    }

    [Fact]
    public async Task A_second_answer_is_a_dead_letter()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        Assert.Equal("one", await Actor().Ask<string>("twice", TimeSpan.FromSeconds(20)));
        Assert.Equal("two", (await ExpectMsgAsync<DeadLetter>()).Message);
    }

    [Fact]
    public async Task The_asker_can_be_found_by_its_path()
    {
        var path = "";
        var answer = await TestActorAsk(r =>
        {
            path = r.Path.ToSerializationFormat();
            return "where";
        });
        Assert.Equal("here", answer);
        Assert.StartsWith("akka://test/temp/", path, StringComparison.Ordinal);

        async Task<string> TestActorAsk(Func<IActorRef, object> make)
        {
            var ask = TestActor.Ask<string>(make, TimeSpan.FromSeconds(20), CancellationToken.None);
            await ExpectMsgAsync("where");
            ((ExtendedActorSystem)Sys).Provider.ResolveActorRef(path).Tell("here");
            return await ask;
        }
    }

    [Fact]
    public async Task A_selection_can_be_asked()
    {
        Sys.ActorOf(Props.Create<Answering>(), "named");
        Assert.Equal("x", await Sys.ActorSelection("/user/named").Ask<string>("x", TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_result_is_piped()
    {
        await Task.FromResult(7).PipeTo(TestActor);
        await ExpectMsgAsync(7);
    }

    [Fact]
    public async Task A_failure_is_piped_as_status()
    {
        await Task.FromException<int>(new InvalidOperationException("x")).PipeTo(TestActor);
        Assert.IsType<InvalidOperationException>((await ExpectMsgAsync<Status.Failure>()).Cause);
    }

    [Fact]
    public async Task Results_and_failures_can_be_mapped()
    {
        await Task.FromResult(7).PipeTo(TestActor, success: i => "got " + i);
        await Task.FromException<int>(new InvalidOperationException("x")).PipeTo(TestActor, failure: e => "no " + e.Message);
        await Task.CompletedTask.PipeTo(TestActor, success: () => "done");
        await ExpectMsgAsync("got 7");
        await ExpectMsgAsync("no x");
        await ExpectMsgAsync("done");
    }

    [Fact]
    public async Task A_forwarded_message_keeps_its_sender()
    {
        var target = Actor();
        Sys.ActorOf(Props.Create(() => new Forwarder(target))).Tell("mine");
        await ExpectMsgAsync("mine");
        Assert.Equal(target, LastSender);
    }

    private sealed class Forwarder(IActorRef to) : UntypedActor
    {
        protected override void OnReceive(object message) => to.Forward(message);
    }
}

public sealed class AsyncReceiveTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Waiting : ReceiveActor
    {
        public Waiting(Task gate)
        {
            ReceiveAsync<string>(s => s == "wait", async _ =>
            {
                var self = Self;
                var sender = Sender;
                await gate;
                await Task.Yield();
                Sender.Tell(Self.Equals(self) && Sender.Equals(sender) && Context.Self.Equals(self) ? "same context" : "lost");
            });
            ReceiveAsync<string>(s => s == "fail", async _ =>
            {
                await gate;
                throw new InvalidOperationException("after await");
            });
            Receive<string>(s => Sender.Tell(s));
        }
    }

    private (IActorRef, TaskCompletionSource) Make()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Sys.ActorOf(Props.Create(() => new Waiting(gate.Task))), gate);
    }

    [Fact]
    public async Task While_a_handler_waits_no_other_message_is_handled()
    {
        var (actor, gate) = Make();
        actor.Tell("wait");
        actor.Tell("next");
        await ExpectNoMsgAsync(50);
        gate.SetResult();
        await ExpectMsgAsync("same context");
        await ExpectMsgAsync("next");
    }

    [Fact]
    public async Task A_failure_after_an_await_is_the_actors_failure()
    {
        var (actor, gate) = Make();
        Sys.EventStream.Subscribe(TestActor, typeof(Error));
        actor.Tell("fail");
        gate.SetResult();
        Assert.Equal("after await", (await ExpectMsgAsync<Error>()).Cause.Message);
        actor.Tell("alive");
        await ExpectMsgAsync("alive");
    }

    [Fact]
    public async Task A_waiting_actor_can_be_stopped()
    {
        var (actor, _) = Make();
        Watch(actor);
        actor.Tell("wait");
        Sys.Stop(actor);
        await ExpectTerminatedAsync(actor);
    }
}
