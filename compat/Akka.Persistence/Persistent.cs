using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Serialization;

namespace Akka.Persistence
{
    /// <summary>Goes to the journal in order: an <see cref="AtomicWrite"/>, or something that only comes back in its turn.</summary>
    public interface IPersistentEnvelope
    {
        object Payload { get; }
        IActorRef Sender { get; }
        int Size { get; }
    }

    /// <summary>One event as the journal sees it.</summary>
    public interface IPersistentRepresentation : IMessage
    {
        object Payload { get; }
        string Manifest { get; }
        string PersistenceId { get; }
        long SequenceNr { get; }
        string WriterGuid { get; }
        long Timestamp { get; }
        bool IsDeleted { get; }
        IActorRef Sender { get; }
        IPersistentRepresentation WithPayload(object payload);
        IPersistentRepresentation WithManifest(string manifest);
        IPersistentRepresentation WithTimestamp(long timestamp);
        IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender, string writerGuid);
    }

    public class Persistent : IPersistentRepresentation
    {
        public Persistent(object payload, long sequenceNr = 0, string persistenceId = null, string manifest = null,
            bool isDeleted = false, IActorRef sender = null, string writerGuid = null, long timestamp = 0)
        {
            Payload = payload;
            SequenceNr = sequenceNr;
            PersistenceId = persistenceId ?? Undefined;
            Manifest = manifest ?? Undefined;
            IsDeleted = isDeleted;
            Sender = sender;
            WriterGuid = writerGuid ?? Undefined;
            Timestamp = timestamp;
        }

        public static string Undefined { get; } = "";
        public object Payload { get; }
        public string Manifest { get; }
        public string PersistenceId { get; }
        public long SequenceNr { get; }
        public string WriterGuid { get; }

        /// <summary>Ticks of UTC when the journal took it; 0 before.</summary>
        public long Timestamp { get; }
        public bool IsDeleted { get; }
        public IActorRef Sender { get; }

        public IPersistentRepresentation WithPayload(object payload) =>
            new Persistent(payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, Timestamp);

        public IPersistentRepresentation WithManifest(string manifest) => Manifest == manifest
            ? this : new Persistent(Payload, SequenceNr, PersistenceId, manifest, IsDeleted, Sender, WriterGuid, Timestamp);

        public IPersistentRepresentation WithTimestamp(long newTimestamp) => Timestamp == newTimestamp
            ? this : new Persistent(Payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, newTimestamp);

        public IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender, string writerGuid) =>
            new Persistent(Payload, sequenceNr, persistenceId, Manifest, isDeleted, sender, writerGuid, Timestamp);
    }

    /// <summary>Events of one actor that are written together or not at all.</summary>
    public sealed class AtomicWrite : IPersistentEnvelope, IMessage
    {
        private readonly IImmutableList<IPersistentRepresentation> _events;

        public AtomicWrite(IPersistentRepresentation @event) : this(ImmutableList.Create(@event)) { }

        /// <exception cref="ArgumentException">There are none, or they are not of one persistence id.</exception>
        public AtomicWrite(IImmutableList<IPersistentRepresentation> payload)
        {
            ArgumentNullException.ThrowIfNull(payload);
            if (payload.Count == 0) throw new ArgumentException("An AtomicWrite has at least one event.", nameof(payload));
            var id = payload[0].PersistenceId;
            if (payload.Any(e => e.PersistenceId != id))
                throw new ArgumentException($"An AtomicWrite is of one persistence id, this one is of \"{id}\" and others.", nameof(payload));
            _events = payload;
        }

        public object Payload => _events;
        public int Size => _events.Count;
        public string PersistenceId => _events[0].PersistenceId;
        public long LowestSequenceNr => _events[0].SequenceNr;
        public long HighestSequenceNr => _events[^1].SequenceNr;
        public IActorRef Sender => ActorRefs.NoSender;
        internal IImmutableList<IPersistentRepresentation> Events => _events;
    }

    /// <summary>A deferred handler's place in the order of writes.</summary>
    internal sealed class NonPersistentMessage(object payload, IActorRef sender) : IPersistentEnvelope
    {
        public object Payload { get; } = payload;
        public IActorRef Sender { get; } = sender;
        public int Size => 1;
    }
}

namespace Akka.Persistence.Serialization
{
    /// <summary>Marks what the persistence serializers know.</summary>
    public interface IMessage;
}
