using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>All of an actor but its behaviour: mailbox, place in the tree, life cycle. Its parts are in the files ActorCell.*.cs.</summary>
public partial class ActorCell : IUntypedActorContext
{
    private static long _lastUid;
    [ThreadStatic] private static ActorCell _current;

    private readonly LocalActorRef _self;
    private Receive _behavior;
    private Stack<Receive> _behaviors;
    private ActorBase _actor;
    private object _currentMessage;
    private IActorRef _sender;
    private Task _awaited;
    private long _envelopeNumber;

    internal ActorCell(ActorSystemImpl system, LocalActorRef self, Props props, MessageDispatcher dispatcher, IInternalActorRef parent)
    {
        SystemImpl = system;
        _self = self;
        Props = props;
        Dispatcher = dispatcher;
        Parent = parent;
    }

    internal static ActorCell Current { get => _current; set => _current = value; }
    internal static long NewUid() => Interlocked.Increment(ref _lastUid);

    internal ActorSystemImpl SystemImpl { get; }
    public ActorSystem System => SystemImpl;
    public Props Props { get; }
    public MessageDispatcher Dispatcher { get; }
    public IInternalActorRef Parent { get; }
    IActorRef IActorContext.Parent => Parent;
    public IActorRef Self => _self;
    public IActorRef Sender => _sender;
    public object CurrentMessage => _currentMessage;
    /// <summary>Tells two deliveries of one message object apart.</summary>
    internal long EnvelopeNumber => _envelopeNumber;
    public Mailbox Mailbox { get; private set; }
    public int NumberOfMessages => Mailbox.MessageQueue.Count;
    public bool IsTerminated => Mailbox.IsClosed;
    public virtual ActorTaskScheduler TaskScheduler => field ??= new ActorTaskScheduler(this);
    internal ActorBase Actor => _actor;
    public static IActorRef GetCurrentSelfOrNoSender() => _current?._self;
    public static IActorRef GetCurrentSenderOrNoSender() => _current?._sender;

    internal void Init(MailboxType mailboxType)
    {
        Mailbox = new Mailbox(mailboxType.Create(_self, SystemImpl));
        Mailbox.SetActor(this);
        Mailbox.Seed(new Create());
    }

    public virtual void Start() => Dispatcher.Attach(this);

    public virtual void SendMessage(IActorRef sender, object message)
    {
        if (SystemImpl.Settings.SerializeAllMessages && message is not INoSerializationVerificationNeeded) message = SystemImpl.Serialization.RoundTrip(message);
        Dispatcher.Dispatch(this, new Envelope(message, sender, SystemImpl));
    }

    public virtual void SendSystemMessage(ISystemMessage systemMessage) => Dispatcher.SystemDispatch(this, (SystemMessage)systemMessage);
    public void Become(Receive receive) => _behavior = receive;

    public void BecomeStacked(Receive receive)
    {
        (_behaviors ??= new Stack<Receive>(2)).Push(_behavior);
        _behavior = receive;
    }

    public void UnbecomeStacked() => _behavior = _behaviors is { Count: > 0 } ? _behaviors.Pop() : _behavior;

    void IUntypedActorContext.Become(UntypedReceive receive) => Become(m => { receive(m); return true; });
    void IUntypedActorContext.BecomeStacked(UntypedReceive receive) => BecomeStacked(m => { receive(m); return true; });

    public ActorSelection ActorSelection(string path) => ActorRefFactoryShared.ActorSelection(path, System, Self);
    public ActorSelection ActorSelection(ActorPath path) => ActorRefFactoryShared.ActorSelection(path, System);

    /// <summary>Runs the action as if it were this actor's, for code that was called on another thread.</summary>
    public void UseThreadContext(Action action)
    {
        var outer = _current;
        _current = this;
        try
        {
            action();
        }
        finally
        {
            _current = outer;
        }
    }

    internal void Invoke(in Envelope envelope)
    {
        var message = envelope.Message;
        _envelopeNumber++;
        _currentMessage = message;
        _sender = envelope.Sender;
        var influences = _receiveTimeout is not null && message is not INotInfluenceReceiveTimeout && message is not TimerMessage { Influences: false };
        if (influences) CancelReceiveTimeout();
        try
        {
            if (message is IAutoReceivedMessage) AutoReceiveMessage(envelope);
            else if (message is TimerMessage timer) ReceiveTimer(timer);
            else ReceiveMessage(message);
            // The message of a failed or waiting actor is still needed: by PreRestart, by the rest of the handler.
            if (_awaited is null) ClearMessage();
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            HandleInvokeFailure(e);
        }
        finally
        {
            if (influences && _awaited is null) CheckReceiveTimeout();
        }
    }

    private static bool IsNotFatal(Exception e) => e is not (OutOfMemoryException or StackOverflowException);

    private void ClearMessage()
    {
        _currentMessage = null;
        _sender = null;
    }

    protected virtual void ReceiveMessage(object message)
    {
        if (_actor is { } actor) actor.InvokeAroundReceive(_behavior, message);
    }

    /// <summary>The behaviour alone, on the caller's thread: failures come out of here.</summary>
    public void ReceiveMessageForTest(Envelope envelope)
    {
        var (message, sender) = (_currentMessage, _sender);
        _envelopeNumber++;
        _currentMessage = envelope.Message;
        _sender = envelope.Sender;
        try
        {
            UseThreadContext(() => ReceiveMessage(envelope.Message));
        }
        finally
        {
            (_currentMessage, _sender) = (message, sender);
        }
    }

    private void ReceiveTimer(TimerMessage timer)
    {
        if (_timers is not null && _timers.Accept(timer) is { } message)
        {
            if (message is IAutoReceivedMessage) AutoReceiveMessage(new Envelope(message, _sender));
            else ReceiveMessage(message);
        }
    }

    protected virtual void AutoReceiveMessage(Envelope envelope)
    {
        switch (envelope.Message)
        {
            case Terminated terminated:
                ReceivedTerminated(terminated);
                break;
            case PoisonPill:
                _self.Stop();
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, Self), Self);
                break;
            case ActorSelectionMessage selection:
                ReceiveSelection(selection);
                break;
            default:
                ReceiveMessage(envelope.Message);
                break;
        }
    }

    private void ReceiveSelection(ActorSelectionMessage selection) =>
        Akka.Actor.ActorSelection.Deliver(_self, _sender, selection);

    /// <summary>The handler of the current message went asynchronous: keep its context, hold user messages back.</summary>
    internal void BeginAwait(Task work)
    {
        _awaited = work;
        Mailbox.Suspend();
    }

    private void EndAwait(Task work)
    {
        // The work of an instance that has been restarted since is nobody's.
        if (!ReferenceEquals(_awaited, work)) return;
        _awaited = null;
        Mailbox.Resume();
        if (!work.IsCompletedSuccessfully)
        {
            // Rethrown here, inside SystemInvoke, so that it takes the ordinary way of a failed message.
            work.GetAwaiter().GetResult();
        }
        ClearMessage();
        CheckReceiveTimeout();
    }
}

