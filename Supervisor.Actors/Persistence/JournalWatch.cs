using Akka.Actor;

namespace Supervisor.Actors.Persistence;

/// <summary>Waits for the first <see cref="JournalLost"/>.</summary>
internal sealed class JournalWatch(TaskCompletionSource<JournalLost> lost) : UntypedActor
{
    /// <summary>How to create one.</summary>
    public static Props Props(TaskCompletionSource<JournalLost> lost) => Akka.Actor.Props.Create(() => new JournalWatch(lost));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        Context.System.EventStream.Subscribe(Self, typeof(JournalLost));
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is JournalLost first) lost.TrySetResult(first);
        else Unhandled(message);
    }
}
