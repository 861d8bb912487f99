using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

/// <summary>What belongs to one instance of an actor ends with it.</summary>
public sealed class InstanceTests : TestKit
{
    private sealed class Subject : UntypedActor, IWithTimers
    {
        private readonly IActorRef _to;
        public ITimerScheduler Timers { get; set; } = null!;
        public Subject(IActorRef to) => _to = to;
        protected override void PreStart() => Timers.StartPeriodicTimer("t", "tick", TimeSpan.FromMinutes(1));

        protected override void OnReceive(object message)
        {
            if (message is Exception e) throw e;
            if (message is "become") Become(m => { if (m is Exception failure) throw failure; _to.Tell("second " + m); });
            else _to.Tell("first " + message);
        }

        protected override void PreRestart(Exception reason, object message) => _to.Tell((reason.Message, message, Sender, Timers.IsTimerActive("t")));
        protected override void PostStop()
        {
            _to.Tell(Timers.IsTimerActive("t"));
            throw new InvalidOperationException("hurrah");
        }
    }

    [Fact]
    public async Task A_restart_knows_its_message_and_sender_and_forgets_timers_and_behaviour()
    {
        var subject = Sys.ActorOf(Props.Create(() => new Subject(TestActor)));
        subject.Tell("become");
        subject.Tell("a");
        await ExpectMsgAsync("second a");
        var failure = new InvalidOperationException("boom");
        await EventFilter.Exception<InvalidOperationException>("boom").ExpectOneAsync(() =>
        {
            subject.Tell(failure, TestActor);
            return Task.CompletedTask;
        });
        Assert.Equal(("boom", (object)failure, TestActor, false), await ExpectMsgAsync<(string, object, IActorRef, bool)>());
        subject.Tell("b");
        await ExpectMsgAsync("first b");
    }

    [Fact]
    public async Task At_its_stop_its_timers_are_over_and_a_failure_of_its_last_words_is_logged()
    {
        var subject = Sys.ActorOf(Props.Create(() => new Subject(TestActor)));
        Watch(subject);
        await EventFilter.Exception<InvalidOperationException>("hurrah").ExpectOneAsync(() =>
        {
            subject.Tell(PoisonPill.Instance);
            return Task.CompletedTask;
        });
        await ExpectMsgAsync(false);
        await ExpectTerminatedAsync(subject);
    }

    [Fact]
    public void An_actor_on_the_calling_thread_has_answered_when_ask_returns()
    {
        var actor = ActorOfAsTestActorRef<Echo>();
        Assert.True(actor.Ask("x").IsCompleted);
        Assert.StartsWith("$$", actor.Path.Name, StringComparison.Ordinal);
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }
}
