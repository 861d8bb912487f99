using Akka.Actor;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>Waits for the first <see cref="JournalLost"/>, or for an event that was acknowledged and could not be
/// written.</summary>
internal sealed class JournalWatch(TaskCompletionSource<JournalLost> lost) : UntypedActor
{
    /// <summary>How to create one.</summary>
    public static Props Props(TaskCompletionSource<JournalLost> lost) => Akka.Actor.Props.Create(() => new JournalWatch(lost));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        Context.System.EventStream.Subscribe(Self, typeof(JournalLost));
        Context.System.EventStream.Subscribe(Self, typeof(DeferredWriteFailed));
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case JournalLost first:
                lost.TrySetResult(first);
                break;
            case DeferredWriteFailed failed:
                lost.TrySetResult(new JournalLost(failed.PersistenceId, failed.Cause));
                break;
            default:
                Unhandled(message);
                break;
        }
    }
}
