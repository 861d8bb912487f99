using Akka.Actor;
using Akka.Event;
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

    [Fact]
    public async Task One_object_told_twice_may_be_stashed_twice()
    {
        var gate = Sys.ActorOf<Gate>();
        var same = new object();
        foreach (var m in new[] { same, same, "open" }) gate.Tell(m);
        await ExpectMsgAsync(same);
        await ExpectMsgAsync(same);
        await ExpectNoMsgAsync(20);
    }

    private sealed class Patient : ReceiveActor, IWithStash
    {
        public IStash Stash { get; set; } = null!;

        public Patient(IActorRef watched, IActorRef to)
        {
            Context.Watch(watched);
            Receive<string>(s => s == "one", _ => Stash.Unstash());
            Receive<string>(s => s == "clear", _ => to.Tell(Stash.ClearStash().Select(e => e.Message).ToArray()));
            Receive<string>(s => s == "prepend", _ => Stash.Prepend([new Envelope(0, to)]));
            Receive<string>(s => s == "now", _ =>
            {
                Become(() => ReceiveAny(m => to.Tell(m is Terminated t ? t.ActorRef : m)));
                Stash.UnstashAll();
            });
            ReceiveAny(m =>
            {
                Stash.Stash();
                if (m is Terminated) to.Tell($"stashed {Stash.Count} {Stash.IsEmpty} {Stash.NonEmpty} {Stash.IsFull}");
            });
        }
    }

    [Fact]
    public async Task A_stashed_terminated_comes_back_once()
    {
        var watched = Sys.ActorOf<Gate>();
        var patient = Sys.ActorOf(Props.Create(() => new Patient(watched, TestActor)));
        patient.Tell(1);
        await patient.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(20));
        Sys.Stop(watched);
        await ExpectMsgAsync("stashed 2 False True False");
        patient.Tell("now");
        await ExpectMsgAsync(1);
        await ExpectMsgAsync(watched);
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task One_message_can_be_unstashed_all_taken_out_and_others_put_before_them()
    {
        var patient = Sys.ActorOf(Props.Create(() => new Patient(TestActor, TestActor)));
        foreach (var m in new object[] { 1, 2, "clear" }) patient.Tell(m);
        Assert.Equal([1, 2], await ExpectMsgAsync<object[]>());
        // The one that is unstashed overtakes what waits in the mailbox, and is stashed anew behind the others.
        foreach (var m in new object[] { 1, 2, "one", "prepend", "now" }) patient.Tell(m);
        foreach (var expected in new[] { 0, 2, 1 }) await ExpectMsgAsync(expected);
    }
}
