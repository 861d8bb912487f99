using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Persistence;

namespace Supervisor.Actors.Leases;

/// <summary>
/// The shell of <see cref="LeaseMachine"/>: journal first, then the answer. One for all leases of all namespaces.
/// </summary>
/// <remarks>
/// Every <c>ctr run</c> and <c>docker run</c> creates and deletes a lease.
/// </remarks>
/// <param name="directory">Where readers look; written by this actor only.</param>
/// <param name="clock">For the timer only; commands carry their own time.</param>
public sealed class LeasesActor(LeaseDirectory directory, TimeProvider clock) : CompactingActor, IWithTimers
{
    internal const int CompactEvery = 512;
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMinutes(1);

    private ImmutableDictionary<LeaseKey, Lease> _state = LeaseMachine.Empty;

    private sealed record Tick;

    /// <inheritdoc/>
    public override string PersistenceId => "leases";

    /// <summary>Set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create one.</summary>
    public static Props Props(LeaseDirectory directory, TimeProvider clock) =>
        Akka.Actor.Props.Create(() => new LeasesActor(directory, clock));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        Timers.StartPeriodicTimer(nameof(Tick), new Tick(), ExpiryInterval);
    }

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case Tick:
                Execute(new LeaseCommand.Expire(clock.GetUtcNow()), ActorRefs.Nobody);
                break;
            case LeaseCommand command:
                Execute(command, command is LeaseCommand.Expire or LeaseCommand.ForgetNamespace ? ActorRefs.Nobody : Sender);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case LeaseEvent e:
                _state = LeaseMachine.Apply(_state, e);
                if (e is LeaseEvent.Compacted) OnCompactionReplayed();
                break;
            case RecoveryCompleted:
                directory.Publish(_state);
                break;
        }
    }

    private void Execute(LeaseCommand command, IActorRef asker)
    {
        var decision = LeaseMachine.Decide(_state, command);
        var before = FindLease(command);
        PersistEach(decision.Events, Apply);
        DeferAsync(decision, d =>
        {
            asker.Tell(new LeaseReply(d.Refusal, FindLease(command) ?? before));
            CompactIfLong(CompactEvery, () => new LeaseEvent.Compacted(command.At, [.. _state.Values]));
        });
    }

    private void Apply(LeaseEvent e)
    {
        _state = LeaseMachine.Apply(_state, e);
        directory.Publish(_state);
    }

    private Lease? FindLease(LeaseCommand command) => command switch
    {
        LeaseCommand.Create c => _state.GetValueOrDefault(c.Key),
        LeaseCommand.Delete c => _state.GetValueOrDefault(c.Key),
        LeaseCommand.AddResource c => _state.GetValueOrDefault(c.Key),
        LeaseCommand.RemoveResource c => _state.GetValueOrDefault(c.Key),
        _ => null,
    };
}
