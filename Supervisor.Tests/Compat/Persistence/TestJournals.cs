using System.Collections.Immutable;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace Supervisor.Tests.Compat.Persistence;

/// <summary>Journals that refuse, hold back or say nothing, named in the configurations of tests.</summary>
public static class TestJournals
{
    /// <summary>Tests that hold a journal back run one after the other: its gate is one for all.</summary>
    public const string Collection = "test journals";

    public sealed class PickyJournal : MemoryJournal
    {
        protected override Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var writes = messages.ToList();
            var payloads = writes.ConvertAll(w => ((IImmutableList<IPersistentRepresentation>)w.Payload)[0].Payload);
            if (payloads.Contains("worst")) throw new IOException("disk on fire");
            base.WriteMessagesAsync(writes.Where((_, i) => payloads[i] is not "bad"));
            return Task.FromResult<IImmutableList<Exception?>>([.. payloads.Select(p => p is "bad" ? new NotSupportedException("not this") : null)]);
        }
    }

    /// <summary>Writes when its gate opens.</summary>
    public sealed class HeldJournal : MemoryJournal
    {
        public static TaskCompletionSource Gate { get; set; } = new();

        protected override async Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            await Gate.Task;
            return await base.WriteMessagesAsync(messages);
        }
    }

    public sealed class SilentJournal : MemoryJournal
    {
        public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) => new TaskCompletionSource<long>().Task;
    }
}
