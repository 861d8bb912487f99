using System.Collections.Concurrent;
using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Routing;

namespace Akka.Actor;

public interface IActorRefProvider
{
    IInternalActorRef RootGuardian { get; }
    LocalActorRef Guardian { get; }
    LocalActorRef SystemGuardian { get; }
    IActorRef DeadLetters { get; }
    ActorPath RootPath { get; }
    Settings Settings { get; }
    Task TerminationTask { get; }
    Address DefaultAddress { get; }
    IInternalActorRef TempContainer { get; }
    ActorPath TempPath();
    IActorRef ResolveActorRef(string path);
    IActorRef ResolveActorRef(ActorPath actorPath);
    void RegisterTempActor(IInternalActorRef actorRef, ActorPath path);
    void UnregisterTempActor(ActorPath path);
}

/// <summary>The tree of one system: root, /user, /system, /temp, /deadLetters.</summary>
public sealed class LocalActorRefProvider : IActorRefProvider
{
    private readonly ActorSystemImpl _system;
    private readonly TempContainerRef _temp;
    private readonly TaskCompletionSource _terminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _tempNumber;

    internal LocalActorRefProvider(ActorSystemImpl system)
    {
        _system = system;
        DefaultAddress = new Address("akka", system.Name);
        RootPath = new RootActorPath(DefaultAddress);
        DeadLetters = new DeadLetterActorRef(this, RootPath / "deadLetters", system.EventStream);
        _temp = new TempContainerRef(this, RootPath / "temp");
    }

    internal void Init()
    {
        var dispatcher = _system.Dispatchers.Lookup(Dispatchers.InternalDispatcherId);
        var bubble = new RootSupervisor(this, _terminated, _system.EventStream);
        var root = new RootGuardianRef(_system, Props.Create<RootGuardian>(), dispatcher, new UnboundedMailbox(), bubble, RootPath, this);
        RootGuardian = root;
        root.Start();
        SystemGuardian = (LocalActorRef)root.Cell.MakeChild(Props.Create<GuardianActor>().WithDispatcher(Dispatchers.InternalDispatcherId), "system", true);
        var strategy = SupervisorStrategyConfigurator.CreateConfigurator(Settings.SupervisorStrategyClass).Create();
        Guardian = (LocalActorRef)root.Cell.MakeChild(Props.Create<GuardianActor>().WithSupervisorStrategy(strategy).WithDispatcher(Dispatchers.InternalDispatcherId), "user", true);
        root.Tell(new Akka.Actor.RootGuardian.WatchBoth(Guardian, SystemGuardian), ActorRefs.NoSender);
    }

    public IInternalActorRef RootGuardian { get; private set; }
    public LocalActorRef Guardian { get; private set; }
    public LocalActorRef SystemGuardian { get; private set; }
    public IActorRef DeadLetters { get; }
    public ActorPath RootPath { get; }
    public Settings Settings => _system.Settings;
    public Task TerminationTask => _terminated.Task;
    public Address DefaultAddress { get; }
    public IInternalActorRef TempContainer => _temp;
    public ActorPath TempPath() => _temp.Path / ("$" + Convert.ToString(Interlocked.Increment(ref _tempNumber), 16));
    public void RegisterTempActor(IInternalActorRef actorRef, ActorPath path) => _temp.Children[path.Name] = actorRef;
    public void UnregisterTempActor(ActorPath path) => _temp.Children.TryRemove(path.Name, out _);
    public IActorRef ResolveActorRef(string path) => ActorPath.TryParse(path, out var parsed) ? ResolveActorRef(parsed) : DeadLetters;

    public IActorRef ResolveActorRef(ActorPath actorPath)
    {
        if (actorPath.Address != DefaultAddress) return DeadLetters;
        var elements = actorPath.Elements.ToArray();
        if (actorPath.Uid != 0 && elements.Length > 0) elements[^1] += "#" + actorPath.Uid;
        var found = RootGuardian.GetChild(elements);
        return found.IsNobody() ? new EmptyLocalActorRef(this, actorPath, _system.EventStream) : found;
    }

    /// <exception cref="Configuration.ConfigurationException">Its dispatcher or mailbox is not configured.</exception>
    internal LocalActorRef Make(Props props, LocalActorRef parent, ActorPath path, bool isSystemService)
    {
        var internalByDefault = isSystemService && props.Deploy.Dispatcher == Deploy.NoDispatcherGiven;
        var dispatcher = _system.Dispatchers.Lookup(internalByDefault ? Dispatchers.InternalDispatcherId : props.Dispatcher);
        return props.RouterConfig is NoRouter
            ? new LocalActorRef(_system, props, dispatcher, _system.Mailboxes.GetMailboxType(props, dispatcher.Configurator.Config), parent, path)
            : MakeRouter(props, parent, path);
    }

    private RoutedActorRef MakeRouter(Props props, LocalActorRef parent, ActorPath path)
    {
        var config = props.RouterConfig;
        var routerProps = Props.CreateBy(new RouterActorProducer(config)).WithDispatcher(config.RouterDispatcher);
        var dispatcher = _system.Dispatchers.Lookup(config.RouterDispatcher);
        return new RoutedActorRef(_system, routerProps, props, dispatcher, _system.Mailboxes.Lookup(Mailboxes.DefaultMailboxId), parent, path);
    }

    private sealed class RouterActorProducer(RouterConfig config) : IIndirectActorProducer
    {
        public Type ActorType => typeof(RouterPoolActor);
        public ActorBase Produce() => config.CreateRouterActor();
        public void Release(ActorBase actor) { }
    }

    private sealed class TempContainerRef(LocalActorRefProvider provider, ActorPath path) : MinimalActorRef
    {
        public readonly ConcurrentDictionary<string, IInternalActorRef> Children = new();
        public override ActorPath Path { get; } = path;
        public override IInternalActorRef Parent => provider.RootGuardian;
        public override IActorRefProvider Provider => provider;
        public override IActorRef GetChild(IReadOnlyList<string> name) =>
            name.Count == 0 ? this : Children.TryGetValue(name[0], out var child) ? child.GetChild([.. name.Skip(1)]) : Nobody.Instance;
    }

    private sealed class RootGuardianRef(ActorSystemImpl system, Props props, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor, ActorPath path, LocalActorRefProvider provider)
        : LocalActorRef(system, props, dispatcher, mailboxType, supervisor, path)
    {
        public override IInternalActorRef Parent => this;
        public override IInternalActorRef GetSingleChild(string name) => name switch
        {
            "temp" => provider.TempContainer,
            "deadLetters" => (IInternalActorRef)provider.DeadLetters,
            _ => base.GetSingleChild(name),
        };
    }

    /// <summary>Above the root: what fails there ends the system.</summary>
    private sealed class RootSupervisor(LocalActorRefProvider provider, TaskCompletionSource terminated, EventStream eventStream) : MinimalActorRef
    {
        public override ActorPath Path { get; } = provider.RootPath / "_Root-guardian-supervisor";
        public override IActorRefProvider Provider => provider;

        public override void SendSystemMessage(ISystemMessage message)
        {
            switch (message)
            {
                case Failed failed:
                    eventStream.Publish(new Error(failed.Cause, Path.ToString(), GetType(), "guardian failed, shutting down system"));
                    ((IInternalActorRef)failed.Child).Stop();
                    break;
                case DeathWatchNotification:
                    terminated.TrySetResult();
                    break;
            }
        }
    }
}
