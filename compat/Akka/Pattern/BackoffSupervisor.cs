using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Event;

namespace Akka.Pattern;

/// <summary>Starts its one child again after growing pauses, and passes on to it what it is told itself.</summary>
public sealed class BackoffSupervisor : ActorBase
{
    public sealed class GetCurrentChild
    {
        private GetCurrentChild() { }
        public static readonly GetCurrentChild Instance = new();
    }

    public sealed class CurrentChild(IActorRef @ref)
    {
        public IActorRef Ref { get; } = @ref;
    }

    public sealed class Reset
    {
        private Reset() { }
        public static readonly Reset Instance = new();
    }

    public sealed class GetRestartCount
    {
        private GetRestartCount() { }
        public static readonly GetRestartCount Instance = new();
    }

    public sealed class RestartCount(int count)
    {
        public int Count { get; } = count;
    }

    public sealed class StartChild : IDeadLetterSuppression
    {
        private StartChild() { }
        public static readonly StartChild Instance = new();
    }

    public sealed class ResetRestartCount(int current) : IDeadLetterSuppression
    {
        public int Current { get; } = current;
    }

    private readonly BackoffSettings _settings;
    private IActorRef _child;
    private int _restarts;
    private bool _restarting;

    internal BackoffSupervisor(BackoffSettings settings) => _settings = settings;
    public static Props Props(BackoffOptions options) => options.Props;
    protected override SupervisorStrategy SupervisorStrategy() => _settings.OnFailure ? new Strategy(this) : _settings.Strategy;
    protected override void PreStart() => Begin();

    private void Begin()
    {
        _child = Context.Watch(Context.ActorOf(_settings.Child, _settings.Name));
        if (_settings.AutoReset is { } reset) Context.System.Scheduler.ScheduleTellOnce(reset, Self, new ResetRestartCount(_restarts), Self);
    }

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case StartChild:
                if (_child is null) Begin();
                return true;
            case Reset when _settings.AutoReset is null:
                _restarts = 0;
                return true;
            case ResetRestartCount reset:
                if (reset.Current == _restarts) _restarts = 0;
                return true;
            case GetRestartCount:
                Sender.Tell(new RestartCount(_restarts));
                return true;
            case GetCurrentChild:
                Sender.Tell(new CurrentChild(_child ?? ActorRefs.Nobody));
                return true;
            case Terminated terminated when terminated.ActorRef.Equals(_child):
                ChildStopped();
                return true;
            case Terminated:
                return false;
        }
        if (_child is not null && Sender.Equals(_child)) Context.Parent.Forward(message);
        else if (_child is not null) _child.Forward(message);
        else if (_settings.ReplyWhileStopped is { } reply) Sender.Tell(reply);
        else Context.System.DeadLetters.Forward(message);
        return true;
    }

    private void ChildStopped()
    {
        _child = null;
        // With OnFailure a child that stopped of itself is done, and so are we.
        if ((_settings.OnFailure && !_restarting) || (_settings.MaxRetries >= 0 && _restarts >= _settings.MaxRetries))
        {
            Context.Stop(Self);
            return;
        }
        _restarting = false;
        Context.System.Scheduler.ScheduleTellOnce(_settings.Delay(_restarts), Self, StartChild.Instance, Self);
        _restarts++;
    }

    // A child that is to be restarted is stopped instead, and started again after the pause.
    private sealed class Strategy(BackoffSupervisor owner) : OneForOneStrategy(owner._settings.Strategy.Decider)
    {
        public override void ProcessFailure(IActorContext context, bool restart, IActorRef child, Exception cause, ChildRestartStats stats, IReadOnlyCollection<ChildRestartStats> children)
        {
            owner._restarting = restart;
            context.Stop(child);
        }
    }
}
