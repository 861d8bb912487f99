using Akka.Actor;

namespace Akka.Persistence;

internal sealed class RequestRecoveryPermit : INoSerializationVerificationNeeded
{
    public static readonly RequestRecoveryPermit Instance = new();
}

internal sealed class RecoveryPermitGranted : INoSerializationVerificationNeeded
{
    public static readonly RecoveryPermitGranted Instance = new();
}

internal sealed class ReturnRecoveryPermit : INoSerializationVerificationNeeded
{
    public static readonly ReturnRecoveryPermit Instance = new();
}

/// <summary>Lets so many actors recover at a time, first come first served. An actor that dies gives its permit back.</summary>
internal sealed class RecoveryPermitter : UntypedActor
{
    private readonly int _max;
    private readonly HashSet<IActorRef> _recovering = [];
    private readonly LinkedList<IActorRef> _waiting = [];

    public RecoveryPermitter(int max) => _max = Math.Max(max, 1);
    public static Props Props(int max) => Actor.Props.Create(() => new RecoveryPermitter(max));

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RequestRecoveryPermit:
                Context.Watch(Sender);
                if (_recovering.Count < _max) Grant(Sender);
                else _waiting.AddLast(Sender);
                break;
            case ReturnRecoveryPermit:
                GiveBack(Sender);
                break;
            case Terminated terminated:
                GiveBack(terminated.ActorRef);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Grant(IActorRef actor)
    {
        _recovering.Add(actor);
        actor.Tell(RecoveryPermitGranted.Instance);
    }

    private void GiveBack(IActorRef actor)
    {
        Context.Unwatch(actor);
        if (!_recovering.Remove(actor)) _waiting.Remove(actor);
        while (_recovering.Count < _max && _waiting.First is { } next)
        {
            _waiting.RemoveFirst();
            Grant(next.Value);
        }
    }
}
