using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>Keeps events as long as its actor system lives. For tests.</summary>
public class MemoryJournal : AsyncWriteJournal
{
    private readonly MemoryEvents _own = new();

    private protected virtual MemoryEvents Store => _own;

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        foreach (var write in messages) Store.Add(write);
        return Task.FromResult<IImmutableList<Exception>>(null);
    }

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) =>
        Task.FromResult(Store.Highest(persistenceId));

    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        foreach (var e in Store.Read(persistenceId, fromSequenceNr, toSequenceNr, max)) recoveryCallback(e);
        return Task.CompletedTask;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        Store.Delete(persistenceId, toSequenceNr);
        return Task.CompletedTask;
    }
}

/// <summary>One journal for all actor systems of the process.</summary>
public class SharedMemoryJournal : MemoryJournal
{
    private static readonly MemoryEvents Shared = new();

    private protected override MemoryEvents Store => Shared;
}

internal sealed class MemoryEvents
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (SortedList<long, IPersistentRepresentation> Events, long Highest)> _byId = [];

    public void Add(AtomicWrite write)
    {
        lock (_lock)
        {
            var (events, highest) = _byId.GetValueOrDefault(write.PersistenceId, ([], 0));
            foreach (var e in write.Events)
            {
                events.Add(e.SequenceNr, e.Payload is Tagged tagged ? e.WithPayload(tagged.Payload) : e);
                highest = Math.Max(highest, e.SequenceNr);
            }
            _byId[write.PersistenceId] = (events, highest);
        }
    }

    public long Highest(string id)
    {
        lock (_lock) return _byId.TryGetValue(id, out var entry) ? entry.Highest : 0;
    }

    public IPersistentRepresentation[] Read(string id, long from, long to, long max)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out var entry)) return [];
            return [.. entry.Events.Values.Where(e => e.SequenceNr >= from && e.SequenceNr <= to).Take((int)Math.Min(max, int.MaxValue))];
        }
    }

    public void Delete(string id, long to)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out var entry)) return;
            while (entry.Events.Count > 0 && entry.Events.GetKeyAtIndex(0) <= to) entry.Events.RemoveAt(0);
        }
    }
}
