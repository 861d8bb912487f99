using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>Puts events into the form in which a journal stores them, and back.</summary>
public abstract class WriteJournalBase : ActorBase
{
    private readonly EventAdapters _adapters;

    protected WriteJournalBase() =>
        _adapters = EventAdapters.Create((ExtendedActorSystem)Context.System, PersistenceExtension.JournalConfigOf(Context));

    /// <summary>The atomic writes of a request, adapted, stamped with the time, without their senders.</summary>
    protected IEnumerable<AtomicWrite> PreparePersistentBatch(IEnumerable<IPersistentEnvelope> resequenceables)
    {
        var now = DateTime.UtcNow.Ticks;
        return [.. resequenceables.OfType<AtomicWrite>().Select(write => new AtomicWrite(write.Events.Select(e =>
            AdaptToJournal(e.Update(e.SequenceNr, e.PersistenceId, e.IsDeleted, ActorRefs.NoSender, e.WriterGuid)).WithTimestamp(now)).ToImmutableList()))];
    }

    protected IEnumerable<IPersistentRepresentation> AdaptFromJournal(IPersistentRepresentation representation) =>
        _adapters.Get(representation.Payload.GetType()).FromJournal(representation.Payload, representation.Manifest).Events
            .Select(representation.WithPayload);

    protected IPersistentRepresentation AdaptToJournal(IPersistentRepresentation representation)
    {
        var adapter = _adapters.Get(representation.Payload.GetType());
        return adapter is IdentityEventAdapter
            ? representation
            : representation.WithPayload(adapter.ToJournal(representation.Payload)).WithManifest(adapter.Manifest(representation.Payload));
    }
}
