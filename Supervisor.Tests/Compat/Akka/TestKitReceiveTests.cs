using Akka.Actor;
using Akka.Event;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Xunit.Sdk;

namespace Supervisor.Tests.Compat.AkkaSubset;

/// <summary>What the kit takes from its queue, lets lie there or keeps out of it.</summary>
public sealed class TestKitReceiveTests() : TestKit("akka.loglevel = INFO")
{
    private void Tell(params object[] messages)
    {
        foreach (var message in messages) TestActor.Tell(message);
    }

    [Fact]
    public void Receive_while_leaves_what_ends_it()
    {
        Tell("1", 2, "3", 4.5, "5");
        Assert.Equal(["1", "2", "3"], ReceiveWhile<string>(m => m is double ? null! : m.ToString()!));
        Assert.Equal(4.5, ExpectMsg<double>());
        ExpectMsg("5");
        Assert.Empty(ReceiveWhile<object>(m => m, TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public void Receive_while_passes_over_other_types_unless_told()
    {
        Tell("1", "2", 3, "4", "longer");
        Assert.Equal(["1", "2", "4"], ReceiveWhile<string>(s => s.Length == 1));
        ExpectMsg("longer");
        Tell("1", 2, "3");
        Assert.Equal(["1"], ReceiveWhile<string>(s => s.Length == 1, shouldIgnoreOtherMessageTypes: false));
        ExpectMsg(2);
    }

    [Fact]
    public async Task Receive_while_ends_with_the_count_and_shows_the_sender()
    {
        var probe = CreateTestProbe();
        for (var i = 0; i < 3; i++) probe.Send(TestActor, i);
        var senders = new List<IActorRef>();
        await foreach (var sender in ReceiveWhileAsync(_ => LastSender, msgs: 2)) senders.Add(sender);
        Assert.Equal([probe.Ref, probe.Ref], senders);
        await ExpectMsgAsync(2);
    }

    [Fact]
    public void Fishing_passes_over_the_others_and_has_a_deadline()
    {
        Tell(1, "2", 3);
        Assert.Equal(3, FishForMessage(m => m is 3));
        Assert.ThrowsAny<XunitException>(() => FishForMessage(_ => false, TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public async Task Fishing_until_fails_only_for_the_type()
    {
        Tell(1.5);
        await FishUntilMessageAsync<int>(TimeSpan.FromMilliseconds(10));
        Tell(1);
        await Assert.ThrowsAnyAsync<XunitException>(() => FishUntilMessageAsync<int>(TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void Ignored_messages_are_not_queued()
    {
        IgnoreMessages(m => m is 1);
        Tell(1, "1");
        Assert.Equal("1", ReceiveOne());
        Assert.False(HasMessages);
        IgnoreMessages<int>();
        Tell(2, "2");
        ExpectMsg("2");
        IgnoreMessages<string>(s => s.Length == 0);
        Tell("", 3);
        ExpectMsg(3);
        IgnoreNoMessages();
        Tell("");
        ExpectMsg("");
    }

    [Fact]
    public async Task All_of_them_one_after_the_other()
    {
        Tell(3, 1, 2);
        var got = new List<int>();
        await foreach (var one in ExpectMsgAllOfAsync([1, 2, 3])) got.Add(one);
        Assert.Equal([3, 1, 2], got);
    }

    [Fact]
    public async Task A_pilot_answers_until_it_returns_none()
    {
        var probe = CreateTestProbe();
        probe.SetAutoPilot(new DelegateAutoPilot((sender, message) =>
        {
            sender.Tell("re " + message);
            return message is "last" ? AutoPilot.NoAutoPilot : AutoPilot.KeepRunning;
        }));
        foreach (var message in new[] { "first", "last", "none" }) probe.Ref.Tell(message);
        await ExpectMsgAsync("re first");
        await ExpectMsgAsync("re last");
        foreach (var message in new[] { "first", "last", "none" }) await probe.ExpectMsgAsync(message);
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public void A_latch_opens_when_it_has_been_counted_down()
    {
        var latch = CreateTestLatch(2);
        latch.CountDown();
        Assert.False(latch.IsOpen);
        Assert.Throws<TimeoutException>(() => latch.Ready(TimeSpan.FromMilliseconds(10)));
        latch.CountDown();
        latch.Ready();
        latch.Reset();
        Assert.False(latch.IsOpen);
        latch.Open();
        Assert.True(latch.IsOpen);
    }

    private void Write(LogLevel level, string text)
    {
        if (level == LogLevel.InfoLevel) Log.Info(text);
        else if (level == LogLevel.WarningLevel) Log.Warning(text);
        else Log.Error(text);
    }

    [Theory]
    [InlineData(LogLevel.InfoLevel)]
    [InlineData(LogLevel.WarningLevel)]
    [InlineData(LogLevel.ErrorLevel)]
    public void A_filter_may_be_for_a_level_and_several_may_be_joined(LogLevel level)
    {
        EventFilter.ForLogLevel(level, start: "one").And.ForLogLevel(level, contains: "wo").Expect(2, () =>
        {
            Write(level, "one");
            Write(level, "two");
            Write(level, "three");
        });
        EventFilter.ForLogLevel(level).Mute(() => Write(level, "muted"));
    }
}
