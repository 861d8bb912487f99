using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Tests.Persistence;

/// <summary>A persistent actor whose commands are delegates. It records everything that it recovers.</summary>
internal sealed class Recorder(string id, Probe probe) : UntypedPersistentActor
{
    public override string PersistenceId => id;
    public override Recovery Recovery => RecoverWith ?? base.Recovery;

    public static Recovery? RecoverWith { get; set; }

    public static Action<Recorder> Do(Action<Recorder> what) => what;

    public IActorRef Me => Self;
    public IActorRef From => Sender;
    public void Note(object what) => probe.Add(what);
    public void Watch(IActorRef other) => Context.Watch(other);
    public void Fail(string why) => throw new InvalidOperationException(why);

    protected override void OnCommand(object message)
    {
        if (message is Action<Recorder> what) what(this);
        else probe.Add(message);
    }

    protected override void OnRecover(object message) => probe.Add(message switch
    {
        RecoveryCompleted => $"recovered {LastSequenceNr}",
        SnapshotOffer offer => $"snapshot {offer.Metadata.SequenceNr} {offer.Snapshot}",
        _ => $"replayed {message}",
    });

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        probe.Add($"failed {@event} {sequenceNr}: {cause.Message}");

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        probe.Add($"rejected {@event} {sequenceNr}: {cause.Message}");

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        probe.Add($"not recovered: {reason.Message}");

    protected override void PostStop() => probe.Add("stopped");
}
