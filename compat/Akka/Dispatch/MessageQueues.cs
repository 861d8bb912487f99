using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Dispatch.MessageQueues;

public interface IMessageQueue
{
    bool HasMessages { get; }
    int Count { get; }
    void Enqueue(IActorRef receiver, Envelope envelope);
    bool TryDequeue(out Envelope envelope);
    void CleanUp(IActorRef owner, IMessageQueue deadletters);
}

/// <summary>Many producers, one consumer. A send reserves a slot of a ring with one atomic step, then fills it: while the consumer
/// keeps up nothing is allocated. A full ring is closed and followed by one of twice its size, one that came round and was hardly
/// needed by one of half its size, so that an idle actor stays small.</summary>
public class UnboundedMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
{
    private const int Smallest = 4, Largest = 128, Closed = int.MinValue, Number = int.MaxValue, Last = 1 << 30;

    private struct Slot
    {
        public object Message;
        public IActorRef Sender;
    }

    /// <param name="size">A power of two.</param>
    private sealed class Ring(int size)
    {
        public readonly Slot[] Slots = new Slot[size];
        public Ring Next;
        /// <summary>How many slots were ever reserved. Its sign bit: no more will be, and there is, or is about to be, a next ring.</summary>
        public int Tail;
        /// <summary>Up to where the senders know that slots are free.</summary>
        public int Limit = size;
        // Written by the consumer only: what it has taken, and what it knows to be reserved.
        public int Head, Known;
    }

    private Ring _first, _last;

    public UnboundedMessageQueue() => _first = _last = new Ring(Smallest);

    // Counts what is reserved, not what is filled: a sender looks at the mailbox's status only after it has reserved.
    public bool HasMessages
    {
        get
        {
            var ring = Volatile.Read(ref _first);
            var tail = Volatile.Read(ref ring.Tail);
            return tail < 0 || tail > Volatile.Read(ref ring.Head);
        }
    }

    /// <summary>Exact only when nobody is sending or taking.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            for (var ring = Volatile.Read(ref _first); ring is not null; ring = Volatile.Read(ref ring.Next))
                count += Math.Max((Volatile.Read(ref ring.Tail) & Number) - Volatile.Read(ref ring.Head), 0);
            return count;
        }
    }

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        while (true)
        {
            var ring = Volatile.Read(ref _last);
            var tail = Volatile.Read(ref ring.Tail);
            if (tail < 0)
            {
                // Another sender stands between closing this ring and publishing the next; that is a few instructions.
                var spin = new SpinWait();
                while (ReferenceEquals(Volatile.Read(ref _last), ring)) spin.SpinOnce();
                continue;
            }
            var slots = ring.Slots;
            var index = tail & (slots.Length - 1);
            var nextSize = index == 0 || tail >= Volatile.Read(ref ring.Limit) ? SizeOfNext(ring, tail) : 0;
            if (Interlocked.CompareExchange(ref ring.Tail, nextSize == 0 ? tail + 1 : tail | Closed, tail) != tail) continue;
            if (nextSize == 0)
            {
                slots[index].Sender = envelope.Sender;
                Volatile.Write(ref slots[index].Message, envelope.Message);
                return;
            }
            var next = new Ring(nextSize) { Tail = 1 };
            next.Slots[0] = new Slot { Message = envelope.Message, Sender = envelope.Sender };
            Volatile.Write(ref ring.Next, next);
            Volatile.Write(ref _last, next);
            return;
        }
    }

    /// <returns>Zero to stay in this ring.</returns>
    private static int SizeOfNext(Ring ring, int tail)
    {
        var (size, head) = (ring.Slots.Length, Volatile.Read(ref ring.Head));
        if (tail - head >= size) return Math.Min(size * 2, Largest);
        // Senders may write this out of order: an old limit is too low, which only makes the next one look again.
        Volatile.Write(ref ring.Limit, head + size);
        if (tail == 0 || (tail & (size - 1)) != 0) return 0;
        if (size > Smallest && tail - head <= size / 8) return size / 2;
        return tail >= Last ? size : 0;
    }

    public bool TryDequeue(out Envelope envelope)
    {
        var ring = _first;
        if (ring.Head == ring.Known && (ring = More()) is null)
        {
            envelope = default;
            return false;
        }
        ref var slot = ref ring.Slots[ring.Head & (ring.Slots.Length - 1)];
        if (Volatile.Read(ref slot.Message) is null)
        {
            // Its sender stands between reserving and filling; that is a few instructions.
            var spin = new SpinWait();
            while (Volatile.Read(ref slot.Message) is null) spin.SpinOnce();
        }
        envelope = new Envelope(slot.Message, slot.Sender);
        slot = default;
        Volatile.Write(ref ring.Head, ring.Head + 1);
        return true;
    }

    /// <returns>The ring with the next message; null when there is none.</returns>
    private Ring More()
    {
        while (true)
        {
            var ring = _first;
            var tail = Volatile.Read(ref ring.Tail);
            ring.Known = tail & Number;
            if (ring.Known > ring.Head) return ring;
            if (tail >= 0) return null;
            var spin = new SpinWait();
            while (Volatile.Read(ref ring.Next) is null) spin.SpinOnce();
            Volatile.Write(ref _first, ring.Next);
            // An old ring must not keep a chain of younger ones alive for the collector.
            ring.Next = null;
        }
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters) => this.PourInto(owner, deadletters);
}

/// <summary>Adds a front door, used by the actor itself to unstash.</summary>
public class DequeWrapperMessageQueue(IMessageQueue messageQueue) : IMessageQueue, IDequeBasedMessageQueueSemantics
{
    private Stack<Envelope> _prepended;
    protected readonly IMessageQueue MessageQueue = messageQueue;
    public bool HasMessages => _prepended is { Count: > 0 } || MessageQueue.HasMessages;
    public int Count => MessageQueue.Count + (_prepended?.Count ?? 0);
    public void Enqueue(IActorRef receiver, Envelope envelope) => MessageQueue.Enqueue(receiver, envelope);
    public void EnqueueFirst(Envelope envelope) => (_prepended ??= []).Push(envelope);

    public bool TryDequeue(out Envelope envelope)
    {
        if (_prepended is not { Count: > 0 }) return MessageQueue.TryDequeue(out envelope);
        envelope = _prepended.Pop();
        return true;
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters) => this.PourInto(owner, deadletters);
}

public class UnboundedDequeMessageQueue() : DequeWrapperMessageQueue(new UnboundedMessageQueue()), IUnboundedDequeBasedMessageQueueSemantics;

/// <summary>A sender to a full queue waits for at most <see cref="PushTimeOut"/>; then its message is a dead letter.</summary>
public class BoundedMessageQueue : IMessageQueue, IBoundedMessageQueueSemantics
{
    private readonly ConcurrentQueue<Envelope> _queue = new();
    private readonly SemaphoreSlim _room;

    public BoundedMessageQueue(int boundedCapacity, TimeSpan pushTimeOut)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(boundedCapacity, 1);
        _room = new SemaphoreSlim(boundedCapacity);
        PushTimeOut = pushTimeOut;
    }

    public TimeSpan PushTimeOut { get; set; }
    public bool HasMessages => !_queue.IsEmpty;
    public int Count => _queue.Count;

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        if (_room.Wait(PushTimeOut < TimeSpan.Zero ? Timeout.InfiniteTimeSpan : PushTimeOut)) _queue.Enqueue(envelope);
        else if (envelope.Message is not Event.AllDeadLetters)
        {
            var deadLetters = ((IInternalActorRef)receiver).Provider.DeadLetters;
            deadLetters.Tell(new Event.DeadLetter(envelope.Message, envelope.Sender ?? deadLetters, receiver), envelope.Sender);
        }
    }

    public bool TryDequeue(out Envelope envelope)
    {
        if (!_queue.TryDequeue(out envelope)) return false;
        _room.Release();
        return true;
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters) => this.PourInto(owner, deadletters);
}

/// <summary>Lowest number first, equals in the order of arrival.</summary>
public class UnboundedPriorityMessageQueue(Func<object, int> priorityGenerator, int initialCapacity)
    : IMessageQueue, IUnboundedDequeBasedMessageQueueSemantics
{
    private readonly PriorityQueue<Envelope, (int, long)> _queue = new(initialCapacity);
    private readonly Stack<Envelope> _prepended = [];
    private long _arrivals;

    public bool HasMessages => Count > 0;
    public int Count { get { lock (_queue) return _queue.Count + _prepended.Count; } }
    public void EnqueueFirst(Envelope envelope) { lock (_queue) _prepended.Push(envelope); }

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        lock (_queue) _queue.Enqueue(envelope, (priorityGenerator(envelope.Message), _arrivals++));
    }

    public bool TryDequeue(out Envelope envelope)
    {
        lock (_queue) return _prepended.TryPop(out envelope) || _queue.TryDequeue(out envelope, out _);
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters) => this.PourInto(owner, deadletters);
}

internal static class MessageQueueExtensions
{
    public static void PourInto(this IMessageQueue queue, IActorRef owner, IMessageQueue deadletters)
    {
        while (queue.TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
    }
}
