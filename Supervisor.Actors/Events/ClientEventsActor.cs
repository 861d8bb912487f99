using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Persistence;

namespace Supervisor.Actors.Events;

/// <summary>Journals the events of clients, and replies with <see cref="Accepted"/> when the event is published.</summary>
/// <param name="publisher">The <see cref="EventPublisherActor"/>.</param>
public sealed class ClientEventsActor(IActorRef publisher) : JournalledActor
{
    private const int ShortenEvery = 100;

    /// <summary>The event is journalled, and published next.</summary>
    public sealed record Accepted
    {
        /// <summary>The only instance.</summary>
        public static Accepted Instance { get; } = new();
    }

    /// <inheritdoc/>
    public override string PersistenceId => "client-events";

    /// <summary>How to create one.</summary>
    public static Props Props(IActorRef publisher) => Akka.Actor.Props.Create(() => new ClientEventsActor(publisher));

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case ClientEvent published:
                var asker = Sender;
                PersistAsync(published, e =>
                {
                    ReportApplied(publisher, e.Topic);
                    asker.Tell(Accepted.Instance);
                    // the history keeps them; this actor needs none
                    if (LastSequenceNr % ShortenEvery == 0) DeleteMessages(LastSequenceNr);
                });
                break;
            case DeleteMessagesSuccess or DeleteMessagesFailure:
                break; // deleted next time
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message) { }
}
