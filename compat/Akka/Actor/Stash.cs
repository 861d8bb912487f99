using Akka.Actor.Internal;
using Akka.Dispatch;

namespace Akka.Actor
{
    /// <summary>Messages put aside for later, in order.</summary>
    public interface IStash
    {
        int Count { get; }
        bool IsEmpty { get; }
        bool NonEmpty { get; }
        bool IsFull { get; }
        int Capacity { get; }
        void Stash();
        void Unstash();
        void UnstashAll();
        void UnstashAll(Func<Envelope, bool> predicate);
        IEnumerable<Envelope> ClearStash();
        void Prepend(IEnumerable<Envelope> envelopes);
    }

    public interface IActorStash
    {
        IStash Stash { get; set; }
    }

    public interface IWithUnrestrictedStash : IActorStash;
    public interface IWithUnboundedStash : IWithUnrestrictedStash, IRequiresMessageQueue<IUnboundedDequeBasedMessageQueueSemantics>;
    public interface IWithStash : IWithUnrestrictedStash, IRequiresMessageQueue<IDequeBasedMessageQueueSemantics>;

    public static class StashFactory
    {
        public static IStash CreateStash(this IActorContext context, IActorStash actorInstance) => context.CreateStash(actorInstance.GetType());
        public static IStash CreateStash(this IActorContext context, Type actorType) => new UnboundedStashImpl(context);
    }
}

namespace Akka.Actor.Internal
{
    public abstract class AbstractStash : IStash
    {
        private readonly ActorCell _cell;
        private readonly LinkedList<Envelope> _stashed = [];
        private readonly int _capacity;
        private long _lastStashed;

        private protected AbstractStash(IActorContext context, int capacity)
        {
            _cell = (ActorCell)context;
            _capacity = capacity;
            if (_cell.Mailbox.MessageQueue is not IDequeBasedMessageQueueSemantics)
                throw new NotSupportedException($"DequeBasedMailbox required, got: {_cell.Mailbox.MessageQueue.GetType().Name}. "
                    + "An (unbounded) deque-based mailbox can be configured with IWithUnboundedStash, or akka.actor.mailbox.");
        }

        public int Count => _stashed.Count;
        public bool IsEmpty => _stashed.Count == 0;
        public bool NonEmpty => _stashed.Count > 0;
        public bool IsFull => _capacity >= 0 && _stashed.Count >= _capacity;
        public virtual int Capacity => _capacity;

        /// <exception cref="IllegalActorStateException">The current message is stashed already.</exception>
        /// <exception cref="StashOverflowException">The stash is full.</exception>
        public void Stash()
        {
            var message = _cell.CurrentMessage;
            if (_lastStashed == _cell.EnvelopeNumber)
                throw new IllegalActorStateException($"Can't stash the same message {message} more than once");
            if (IsFull)
                throw new StashOverflowException(
                    $"Couldn't enqueue message {message} from {_cell.Sender} to stash of {_cell.Self}: it holds {_stashed.Count}");
            _stashed.AddLast(new Envelope(message, _cell.Sender));
            _lastStashed = _cell.EnvelopeNumber;
        }

        public void Unstash()
        {
            if (_stashed.Count == 0) return;
            var first = _stashed.First.Value;
            _stashed.RemoveFirst();
            ToMailbox(first);
        }

        public void UnstashAll() => UnstashAll(static _ => true);

        public void UnstashAll(Func<Envelope, bool> filterPredicate)
        {
            // From the back, so that the oldest ends up in front.
            for (var node = _stashed.Last; node is not null; node = node.Previous)
                if (filterPredicate(node.Value))
                    ToMailbox(node.Value);
            _stashed.Clear();
        }

        public IEnumerable<Envelope> ClearStash()
        {
            Envelope[] all = [.. _stashed];
            _stashed.Clear();
            return all;
        }

        public void Prepend(IEnumerable<Envelope> envelopes)
        {
            foreach (var envelope in envelopes.Reverse())
                if (!_stashed.Any(s => ReferenceEquals(s.Message, envelope.Message) && Equals(s.Sender, envelope.Sender)))
                    _stashed.AddFirst(envelope);
        }

        private void ToMailbox(Envelope envelope) => ToFront(_cell, envelope);

        internal static void ToFront(ActorCell cell, Envelope envelope)
        {
            if (envelope.Message is Terminated terminated) cell.TerminatedQueuedAgain(terminated);
            ((IDequeBasedMessageQueueSemantics)cell.Mailbox.MessageQueue).EnqueueFirst(envelope);
        }
    }

    public class UnboundedStashImpl(IActorContext context) : AbstractStash(context, -1);
}
