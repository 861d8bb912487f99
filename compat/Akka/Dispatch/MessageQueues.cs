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

/// <summary>Many producers, one consumer. A send reserves the next slot of the last chunk with one atomic increment, then fills
/// it. Chunks grow while the consumer lags and shrink when it keeps up, so that an idle actor stays small.</summary>
public class UnboundedMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
{
    private const int Smallest = 4, Largest = 128;

    private struct Slot
    {
        public object Message;
        public IActorRef Sender;
    }

    private sealed class Chunk(int size)
    {
        public readonly Slot[] Slots = new Slot[size];
        public Chunk Next;
        /// <summary>Goes past the end by one for each sender that came too late; the first of them makes the next chunk.</summary>
        public int Reserved;
    }

    private Chunk _first, _last;
    // Of the first chunk, and written by the consumer only: what it has taken, and what it knows to be reserved.
    private int _taken, _known;

    public UnboundedMessageQueue() => _first = _last = new Chunk(Smallest);

    // Counts what is reserved, not what is filled: a sender looks at the mailbox's status only after it has reserved.
    public bool HasMessages => Volatile.Read(ref Volatile.Read(ref _first).Reserved) > Volatile.Read(ref _taken);

    /// <summary>Exact only when nobody is sending or taking.</summary>
    public int Count
    {
        get
        {
            var count = -Volatile.Read(ref _taken);
            for (var chunk = Volatile.Read(ref _first); chunk is not null; chunk = Volatile.Read(ref chunk.Next))
                count += Math.Min(Volatile.Read(ref chunk.Reserved), chunk.Slots.Length);
            return Math.Max(count, 0);
        }
    }

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        while (true)
        {
            var chunk = Volatile.Read(ref _last);
            var slots = chunk.Slots;
            var index = Interlocked.Increment(ref chunk.Reserved) - 1;
            if (index < slots.Length)
            {
                slots[index].Sender = envelope.Sender;
                Volatile.Write(ref slots[index].Message, envelope.Message);
                return;
            }
            if (index == slots.Length)
            {
                var keepsUp = ReferenceEquals(Volatile.Read(ref _first), chunk);
                var next = new Chunk(keepsUp ? Math.Max(slots.Length / 2, Smallest) : Math.Min(slots.Length * 2, Largest)) { Reserved = 1 };
                next.Slots[0] = new Slot { Message = envelope.Message, Sender = envelope.Sender };
                Volatile.Write(ref chunk.Next, next);
                Volatile.Write(ref _last, next);
                return;
            }
            var spin = new SpinWait();
            while (ReferenceEquals(Volatile.Read(ref _last), chunk)) spin.SpinOnce();
        }
    }

    public bool TryDequeue(out Envelope envelope)
    {
        if (_taken == _known && !More())
        {
            envelope = default;
            return false;
        }
        ref var slot = ref _first.Slots[_taken];
        if (Volatile.Read(ref slot.Message) is null)
        {
            // Its sender stands between reserving and filling; that is a few instructions.
            var spin = new SpinWait();
            while (Volatile.Read(ref slot.Message) is null) spin.SpinOnce();
        }
        envelope = new Envelope(slot.Message, slot.Sender);
        slot = default;
        Volatile.Write(ref _taken, _taken + 1);
        return true;
    }

    private bool More()
    {
        var chunk = _first;
        if (_taken == chunk.Slots.Length)
        {
            if (Volatile.Read(ref chunk.Reserved) == _taken) return false;
            var spin = new SpinWait();
            while (Volatile.Read(ref chunk.Next) is null) spin.SpinOnce();
            // An old chunk must not keep a chain of younger ones alive for the collector.
            (_known, _taken) = (0, 0);
            Volatile.Write(ref _first, chunk.Next);
            chunk.Next = null;
            chunk = _first;
        }
        _known = Math.Min(Volatile.Read(ref chunk.Reserved), chunk.Slots.Length);
        return _known > _taken;
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
