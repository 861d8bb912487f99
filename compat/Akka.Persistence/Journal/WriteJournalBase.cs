using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>Puts events into the form in which a journal stores them, and back.</summary>
public abstract class WriteJournalBase : ActorBase
{
    /// <summary>The atomic writes of a request, stamped with the time, without their senders.</summary>
    protected IEnumerable<AtomicWrite> PreparePersistentBatch(IEnumerable<IPersistentEnvelope> resequenceables)
    {
        var now = DateTime.UtcNow.Ticks;
        return [.. resequenceables.OfType<AtomicWrite>().Select(write => new AtomicWrite(write.Events.Select(e =>
            e.Update(e.SequenceNr, e.PersistenceId, e.IsDeleted, ActorRefs.NoSender, e.WriterGuid).WithTimestamp(now)).ToImmutableList()))];
    }
}
