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

/// <summary>Many producers, one consumer: a linked list in which a send is one exchange (D. Vyukov's intrusive MPSC queue).
/// An empty queue costs one node, which keeps idle actors small.</summary>
public class UnboundedMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
{
    private sealed class Node
    {
        public Node Next;
        public object Message;
        public IActorRef Sender;
    }

    private Node _first = new();
    private Node _last;

    public UnboundedMessageQueue() => _last = _first;
    public bool HasMessages => !ReferenceEquals(Volatile.Read(ref _first), Volatile.Read(ref _last));

    /// <summary>Walks the queue: exact only when nobody is sending.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            var end = Volatile.Read(ref _last);
            for (var node = Volatile.Read(ref _first); node is not null && !ReferenceEquals(node, end); node = Volatile.Read(ref node.Next)) count++;
            return count;
        }
    }

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        var node = new Node { Message = envelope.Message, Sender = envelope.Sender };
        Volatile.Write(ref Interlocked.Exchange(ref _last, node).Next, node);
    }

    public bool TryDequeue(out Envelope envelope)
    {
        var first = _first;
        var next = Volatile.Read(ref first.Next);
        if (next is null)
        {
            if (ReferenceEquals(first, Volatile.Read(ref _last)))
            {
                envelope = default;
                return false;
            }
            // A producer stands between its exchange and its link; that is two instructions.
            var spin = new SpinWait();
            while ((next = Volatile.Read(ref first.Next)) is null) spin.SpinOnce();
        }
        envelope = new Envelope(next.Message, next.Sender);
        next.Message = null;
        next.Sender = null;
        Volatile.Write(ref _first, next);
        // An old node must not keep a chain of younger ones alive for the collector.
        first.Next = null;
        return true;
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
