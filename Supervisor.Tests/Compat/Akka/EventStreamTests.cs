using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class EventStreamTests() : TestKit("akka.loglevel = DEBUG, akka.stdout-loglevel = OFF, akka.log-dead-letters = 2")
{
    private interface IMarked;
    private record Base;
    private sealed record Derived : Base, IMarked;
    private sealed record Other;

    [Fact]
    public async Task A_class_brings_its_subclasses()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Base));
        Sys.EventStream.Publish(new Other());
        Sys.EventStream.Publish(new Derived());
        await ExpectMsgAsync<Derived>();
    }

    [Fact]
    public async Task An_interface_brings_what_implements_it()
    {
        Sys.EventStream.Subscribe<IMarked>(TestActor);
        Sys.EventStream.Publish(new Base());
        Sys.EventStream.Publish(new Derived());
        await ExpectMsgAsync<Derived>();
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task Two_fitting_subscriptions_bring_one_message()
    {
        Assert.True(Sys.EventStream.Subscribe(TestActor, typeof(Base)));
        Assert.True(Sys.EventStream.Subscribe(TestActor, typeof(IMarked)));
        Sys.EventStream.Publish(new Derived());
        await ExpectMsgAsync<Derived>();
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public void A_covered_subscription_is_none()
    {
        Assert.True(Sys.EventStream.Subscribe(TestActor, typeof(Base)));
        Assert.False(Sys.EventStream.Subscribe(TestActor, typeof(Base)));
        Assert.False(Sys.EventStream.Subscribe(TestActor, typeof(Derived)));
    }

    [Fact]
    public async Task A_subclass_can_be_taken_out_of_a_wider_subscription_and_put_back()
    {
        var bus = new EventStream(debug: false);
        Assert.True(bus.Subscribe(TestActor, typeof(Base)));
        Assert.True(bus.Unsubscribe(TestActor, typeof(Derived)));
        Assert.False(bus.Unsubscribe(TestActor, typeof(Derived)));
        bus.Publish(new Derived());
        bus.Publish(new Base());
        Assert.Equal(typeof(Base), (await ExpectMsgAsync<Base>()).GetType());
        Assert.True(bus.Subscribe(TestActor, typeof(Derived)));
        bus.Publish(new Derived());
        await ExpectMsgAsync<Derived>();
        Assert.True(bus.Unsubscribe(TestActor));
        Assert.False(bus.Unsubscribe(TestActor));
        Assert.Throws<ArgumentNullException>(() => bus.Subscribe(null, typeof(Base)));
        Assert.Throws<ArgumentNullException>(() => bus.Unsubscribe(null));
    }

    [Fact]
    public async Task After_unsubscribe_nothing_comes()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Base));
        Assert.True(Sys.EventStream.Unsubscribe(TestActor, typeof(Base)));
        Assert.False(Sys.EventStream.Unsubscribe(TestActor));
        Sys.EventStream.Publish(new Derived());
        await ExpectNoMsgAsync(20);
    }

    private sealed class Logging : ReceiveActor
    {
        public Logging()
        {
            var log = Context.GetLogger();
            Receive<string>(s => log.Info("hello {0} and {1}", s, 2));
            Receive<int>(_ => log.Error(new InvalidOperationException("cause"), "failed"));
            Receive<double>(_ => log.Debug("only {missing"));
        }
    }

    [Fact]
    public async Task A_line_is_put_together_and_carries_its_source()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Info));
        var actor = Sys.ActorOf(Props.Create<Logging>(), "logging");
        actor.Tell("you");
        var info = await ExpectMsgAsync<Info>();
        Assert.Equal("hello you and 2", info.Message.ToString());
        Assert.Contains("akka://test/user/logging", info.LogSource, StringComparison.Ordinal);
        Assert.Equal(LogLevel.InfoLevel, info.LogLevel());
    }

    [Fact]
    public async Task A_filter_counts_the_lines_it_expects()
    {
        var actor = Sys.ActorOf<Logging>();
        EventFilter.Info("hello a and 2").ExpectOne(() => actor.Tell("a"));
        EventFilter.Info(start: "hello").Expect(3, () =>
        {
            for (var i = 0; i < 3; i++) actor.Tell("b");
        });
        await EventFilter.Exception<InvalidOperationException>("cause").ExpectOneAsync(() =>
        {
            actor.Tell(1);
            return Task.CompletedTask;
        });
    }

    [Fact]
    public void A_filter_that_sees_too_few_fails_the_test() =>
        Assert.ThrowsAny<Exception>(() => EventFilter.Info("never").ExpectOne(TimeSpan.FromMilliseconds(50), () => { }));

    [Fact]
    public void A_filter_sees_dead_letters() => EventFilter.DeadLetter<string>().ExpectOne(() => Sys.DeadLetters.Tell("lost"));

    [Fact]
    public void Dead_letters_are_logged_up_to_the_limit()
    {
        EventFilter.Info(contains: "was not delivered").Expect(2, TimeSpan.FromMilliseconds(300), () =>
        {
            for (var i = 0; i < 5; i++) Sys.DeadLetters.Tell("lost " + i);
        });
    }

    [Fact]
    public void Suppressed_messages_are_no_dead_letters()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        Sys.DeadLetters.Tell(PoisonPill.Instance);
        ExpectNoMsg(20);
    }

    [Fact]
    public void Levels_have_their_words()
    {
        Assert.Equal(LogLevel.WarningLevel, Akka.Event.Logging.LogLevelFor("warning"));
        Assert.Equal("ERROR", LogLevel.ErrorLevel.StringFor());
        Assert.Throws<ArgumentException>(() => Akka.Event.Logging.LogLevelFor("loud"));
    }
}

public sealed class LoggerActorTests
{
    private static TaskCompletionSource<string> s_line = new();

    public sealed class Collecting : ReceiveActor
    {
        public Collecting()
        {
            Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
            Receive<LogEvent>(e => s_line.TrySetResult(e.LogLevel() + " " + e.Message));
        }
    }

    [Fact]
    public async Task A_logger_named_in_the_configuration_gets_the_wanted_levels()
    {
        s_line = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var name = typeof(Collecting).AssemblyQualifiedName;
        var system = ActorSystem.Create("logged", $"akka {{ loggers = [\"{name}\"], loglevel = WARNING, stdout-loglevel = OFF }}");
        system.Log.Info("not wanted");
        system.Log.Warning("number {0}", 5);
        Assert.Equal("WarningLevel number 5", await s_line.Task.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.False(system.Log.IsInfoEnabled);
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(5));
    }
}
