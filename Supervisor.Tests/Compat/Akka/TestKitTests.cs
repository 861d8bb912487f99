using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Xunit.Sdk;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class TestKitTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Adder : UntypedActor
    {
        public int Sum { get; private set; }
        protected override void OnReceive(object message)
        {
            if (message is not int i) throw new InvalidOperationException("not a number");
            Sum += i;
            Sender.Tell(Sum);
        }
    }

    [Fact]
    public async Task The_test_actor_is_the_implicit_sender_also_after_awaits()
    {
        var actor = Sys.ActorOf<Adder>();
        actor.Tell(1);
        await ExpectMsgAsync(1);
        await Task.Yield();
        actor.Tell(1);
        Assert.Equal(2, await ExpectMsgAsync<int>());
        Assert.Equal(actor, LastSender);
    }

    [Fact]
    public void Expectations_fail_on_another_message_type_or_value()
    {
        TestActor.Tell("text");
        Assert.ThrowsAny<XunitException>(() => ExpectMsg<int>());
        TestActor.Tell(1);
        Assert.ThrowsAny<XunitException>(() => ExpectMsg(2));
        TestActor.Tell(1);
        Assert.ThrowsAny<XunitException>(() => ExpectMsg<int>(i => i > 5));
        TestActor.Tell(1);
        Assert.ThrowsAny<XunitException>(() => ExpectNoMsg(10));
        Assert.ThrowsAny<XunitException>(() => ExpectMsg<int>(TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public void All_of_them_in_any_order()
    {
        foreach (var i in new[] { 3, 1, 2 }) TestActor.Tell(i);
        Assert.Equal(3, ExpectMsgAllOf(new[] { 1, 2, 3 }).Count);
        TestActor.Tell(4);
        Assert.ThrowsAny<XunitException>(() => ExpectMsgAllOf(TimeSpan.FromMilliseconds(20), new[] { 4, 5 }));
    }

    [Fact]
    public void Receive_n_gives_so_many()
    {
        foreach (var i in new[] { 1, 2, 3 }) TestActor.Tell(i);
        Assert.Equal([1, 2], ReceiveN(2));
        Assert.ThrowsAny<XunitException>(() => ReceiveN(2, TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    public void Within_limits_all_waits_inside()
    {
        var e = Assert.ThrowsAny<XunitException>(() => Within(TimeSpan.FromMilliseconds(50), () => ExpectMsg<int>(TimeSpan.FromSeconds(0.01))));
        Assert.NotNull(e);
        TestActor.Tell(1);
        Assert.Equal(1, Within(TimeSpan.FromSeconds(3), () => ExpectMsg<int>()));
        Assert.Throws<InvalidOperationException>(() => Remaining);
    }

    [Fact]
    public async Task A_condition_is_polled_until_it_holds()
    {
        var count = 0;
        await AwaitConditionAsync(() => ++count == 3, TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(1));
        AwaitCondition(() => ++count == 6, TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(1));
        AwaitAssert(() => Assert.Equal(9, ++count), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(1));
        Assert.ThrowsAny<XunitException>(() => AwaitCondition(() => false, TimeSpan.FromMilliseconds(20)));
        await Assert.ThrowsAnyAsync<XunitException>(() => AwaitAssertAsync(() => Assert.Fail("always"), TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    public async Task A_probe_answers_forwards_and_watches()
    {
        var probe = CreateTestProbe();
        probe.Ref.Tell("question");
        await probe.ExpectMsgAsync("question");
        probe.Reply("answer");
        await ExpectMsgAsync("answer");
        Assert.Equal(probe.Ref, LastSender);
        var adder = Sys.ActorOf<Adder>();
        probe.Send(adder, 5);
        await probe.ExpectMsgAsync(5);
        probe.Watch(adder);
        Sys.Stop(adder);
        await probe.ExpectTerminatedAsync(adder);
    }

    [Fact]
    public void A_test_reference_runs_on_this_thread_and_shows_its_actor()
    {
        var actor = ActorOfAsTestActorRef<Adder>();
        actor.Tell(2);
        actor.Tell(3);
        Assert.Equal(5, actor.UnderlyingActor.Sum);
        Assert.Throws<InvalidOperationException>(() => actor.Receive("x"));
    }

    [Fact]
    public void Expectations_may_look_at_message_and_sender()
    {
        var probe = CreateTestProbe();
        for (var i = 1; i <= 5; i++) probe.Send(TestActor, i);
        ExpectMsg<int>((m, s) => m == 1 && s.Equals(probe.Ref));
        ExpectMsg<int>((m, s) => { Assert.Equal(2, m); Assert.Equal(probe.Ref, s); });
        ExpectMsg<int>(m => { Assert.Equal(3, m); });
        ExpectMsgFrom<int>(probe.Ref);
        ExpectMsgFrom(probe.Ref, 5);
        TestActor.Tell("b");
        Assert.Equal("b", ExpectMsgAnyOf(new[] { "a", "b" }));
        Assert.Null(ReceiveOne(TimeSpan.Zero));
        probe.Send(TestActor, "from the probe");
        Assert.ThrowsAny<XunitException>(() => ExpectMsgFrom<string>(TestActor, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task What_awaits_keeps_to_the_deadline_as_well()
    {
        await WithinAsync(TimeSpan.FromSeconds(20), async () =>
        {
            TestActor.Tell(1);
            await ExpectMsgAsync(1);
            Assert.InRange(Remaining, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        });
        foreach (var i in new[] { 1, 2 }) TestActor.Tell(i);
        var got = new List<object>();
        await foreach (var one in ReceiveNAsync(2, TimeSpan.FromSeconds(20))) got.Add(one);
        Assert.Equal([1, 2], got);
        ExpectNoMsg();
        await ExpectNoMsgAsync();
    }
}
