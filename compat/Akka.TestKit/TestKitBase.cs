using System.Linq.Expressions;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>An actor system with an actor in it that remembers what it is told, and methods that wait for that.</summary>
public abstract partial class TestKitBase : IActorRefFactory
{
    private static long _testActorId;
    private readonly ITestKitAssertions _assertions;
    private Channel<MessageEnvelope> _queue;
    private MessageEnvelope _lastMessage = NullMessageEnvelope.Instance;

    protected TestKitBase(ITestKitAssertions assertions, ActorSystem system = null, string testActorName = null)
        : this(assertions, system, null, null, testActorName) { }

    protected TestKitBase(ITestKitAssertions assertions, Config config, string actorSystemName = null, string testActorName = null)
        : this(assertions, null, config, actorSystemName, testActorName) { }

    private TestKitBase(ITestKitAssertions assertions, ActorSystem system, Config config, string actorSystemName, string testActorName)
    {
        _assertions = assertions ?? throw new ArgumentNullException(nameof(assertions), "The supplied assertions must not be null.");
        Start(system, config, actorSystemName, testActorName);
    }

    public static Config DefaultConfig { get; } = ConfigurationFactory.FromResource<TestKitBase>("Akka.TestKit.reference.conf");

    private void Start(ActorSystem system, Config config, string actorSystemName, string testActorName)
    {
        Sys = system ?? ActorSystem.Create(actorSystemName ?? "test", (config ?? ConfigurationFactory.Empty).WithFallback(DefaultConfig));
        Sys.Settings.InjectTopLevelFallback(DefaultConfig);
        TestKitSettings = TestKitExtension.For(Sys);
        Log = Logging.GetLogger(Sys, GetType());
        EventFilter = new EventFilterFactory(this, Sys);
        _queue = Channel.CreateUnbounded<MessageEnvelope>();
        TestActor = CreateTestActor(Sys, testActorName ?? $"testActor{Interlocked.Increment(ref _testActorId)}", _queue.Writer);
        if (this is INoImplicitSender) return;
        var cell = ((LocalActorRef)TestActor).Cell;
        ActorCell.Current = cell;
        SynchronizationContext.SetSynchronizationContext(new ImplicitSender(cell));
    }

    /// <summary>The thread that made this kit must not go on telling in the name of its dead test actor.</summary>
    internal void ReleaseThread()
    {
        if (ActorCell.Current is { } cell && TestActor.Equals(cell.Self)) ActorCell.Current = null;
        if (SynchronizationContext.Current is ImplicitSender) SynchronizationContext.SetSynchronizationContext(null);
    }

    private static IActorRef CreateTestActor(ActorSystem system, string name, ChannelWriter<MessageEnvelope> queue) => ((ExtendedActorSystem)system)
        .SystemActorOf(Props.Create(() => new InternalTestActor(queue)).WithDispatcher("akka.test.test-actor.dispatcher"), name);

    public ActorSystem Sys { get; private set; }
    public TestKitSettings TestKitSettings { get; private set; }
    public IActorRef TestActor { get; private set; }
    public ILoggingAdapter Log { get; private set; }
    public EventFilterFactory EventFilter { get; private set; }
    public object LastMessage => _lastMessage.Message;
    public IActorRef LastSender => _lastMessage.Sender;
    internal ITestKitAssertions Assertions => _assertions;
    public IActorRef ActorOf(Props props) => Sys.ActorOf(props);
    public IActorRef ActorOf(Props props, string name) => Sys.ActorOf(props, name);
    public IActorRef ActorOf<TActor>(string name) where TActor : ActorBase, new() => Sys.ActorOf(Props.Create<TActor>(), name);
    IActorRef IActorRefFactory.ActorOf(Props props, string name) => Sys.ActorOf(props, name);

    public ActorSelection ActorSelection(ActorPath actorPath) => Sys.ActorSelection(actorPath);
    public ActorSelection ActorSelection(string actorPath) => Sys.ActorSelection(actorPath);
    public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(Props props, string name = null) where TActor : ActorBase => new(Sys, props, null, name);
    public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(Expression<Func<TActor>> factory, string name = null) where TActor : ActorBase => new(Sys, Props.Create(factory), null, name);
    public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(string name = null) where TActor : ActorBase, new() => new(Sys, Props.Create<TActor>(), null, name);
    public virtual TestProbe CreateTestProbe(string name = null) => new(Sys, _assertions, name);
    public virtual TestProbe CreateTestProbe(ActorSystem system, string name = null) => new(system, _assertions, name);

    public virtual TestLatch CreateTestLatch(int count = 1) => new(count, TestKitSettings.DefaultTimeout, Dilated);
    public void SetAutoPilot(AutoPilot pilot) => TestActor.Tell(new TestKit.TestActor.SetAutoPilot(pilot), ActorRefs.NoSender);

    /// <summary>From now on messages for which this is true are not queued.</summary>
    public void IgnoreMessages(Func<object, bool> shouldIgnoreMessage) => TestActor.Tell(new TestKit.TestActor.SetIgnore(shouldIgnoreMessage), ActorRefs.NoSender);
    public void IgnoreMessages<T>() => IgnoreMessages(m => m is T);
    public void IgnoreMessages<T>(Func<T, bool> shouldIgnoreMessage) => IgnoreMessages(m => m is T t && shouldIgnoreMessage(t));
    public void IgnoreNoMessages() => IgnoreMessages((Func<object, bool>)null);

    public IActorRef Watch(IActorRef actorToWatch)
    {
        TestActor.Tell(new TestKit.TestActor.Watch(actorToWatch), ActorRefs.NoSender);
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        TestActor.Tell(new TestKit.TestActor.Unwatch(actorToUnwatch), ActorRefs.NoSender);
        return actorToUnwatch;
    }

    /// <summary>Terminates the system and waits, 5 s at least and 10 s at most unless told otherwise.</summary>
    public virtual void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false) => Shutdown(Sys, duration, verifySystemShutdown);

    protected virtual void Shutdown(ActorSystem system, TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        system ??= Sys;
        var limit = duration ?? TimeSpan.FromTicks(Math.Min(Dilated(TimeSpan.FromSeconds(5)).Ticks, TimeSpan.FromSeconds(10).Ticks));
        if (system.Terminate().Wait(limit)) return;
        var message = $"Failed to stop [{system.Name}] within [{limit}]";
        if (verifySystemShutdown) throw new TimeoutException(message);
        Console.WriteLine(message);
    }

    private protected static T Sync<T>(ValueTask<T> task) => task.IsCompleted ? task.Result : task.AsTask().GetAwaiter().GetResult();
    private protected static T Sync<T>(Task<T> task) => task.GetAwaiter().GetResult();
    private protected static void Sync(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
    private protected static void Sync(Task task) => task.GetAwaiter().GetResult();
}
