using Akka.Actor;
using Akka.Dispatch.MessageQueues;
using Akka.Dispatch.SysMsg;

namespace Akka.Dispatch;

public interface IRunnable : IThreadPoolWorkItem
{
    void Run();
}

/// <summary>The two queues of one actor and the right to run it: scheduled on at most one thread at a time.</summary>
public class Mailbox : IRunnable
{
    // Status: bit 0 closed, bit 1 scheduled, the rest a count of suspensions.
    private const int Closed = 1, Scheduled = 2, SuspendUnit = 4, SuspendMask = ~3;
    private static readonly SystemMessage ClosedQueue = new NoMessage();
    private int _status;
    private SystemMessage _system;
    private ActorCell _cell;

    public Mailbox(IMessageQueue messageQueue) => MessageQueue = messageQueue;

    public IMessageQueue MessageQueue { get; }

    public virtual void SetActor(ActorCell actorCell) => _cell = actorCell;
    internal bool IsClosed => (Volatile.Read(ref _status) & Closed) != 0;
    internal bool IsSuspended => (Volatile.Read(ref _status) & SuspendMask) != 0;
    internal bool HasSystemMessages => Volatile.Read(ref _system) is not null and not NoMessage;

    /// <summary>The first system message, put there before anyone else knows the mailbox.</summary>
    internal void Seed(SystemMessage message) => _system = message;

    internal void Post(Envelope envelope)
    {
        MessageQueue.Enqueue(_cell.Self, envelope);
        // The enqueue was a full fence, so either the running thread sees the message or we see that it has gone idle.
        var status = Volatile.Read(ref _status);
        if (status == 0) TrySchedule(forSystemMessage: false);
        else if ((status & Closed) != 0) DrainToDeadLetters();
    }

    internal void PostSystem(SystemMessage message)
    {
        while (true)
        {
            var head = Volatile.Read(ref _system);
            if (ReferenceEquals(head, ClosedQueue))
            {
                (_cell.SystemImpl.DeadLetters as IInternalActorRef)?.SendSystemMessage(message);
                return;
            }
            message.Next = head;
            if (Interlocked.CompareExchange(ref _system, message, head) == head) break;
        }
        TrySchedule(forSystemMessage: true);
    }

    internal void TrySchedule(bool forSystemMessage)
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if ((status & (Closed | Scheduled)) != 0) return;
            if (!forSystemMessage && (status & SuspendMask) != 0) return;
            if (Interlocked.CompareExchange(ref _status, status | Scheduled, status) == status) break;
        }
        _cell.Dispatcher.Execute(this);
    }

    void IThreadPoolWorkItem.Execute() => Run();

    public void Run()
    {
        var outer = ActorCell.Current;
        ActorCell.Current = _cell;
        try
        {
            if (!IsClosed)
            {
                ProcessSystemMessages();
                ProcessUserMessages();
            }
        }
        finally
        {
            ActorCell.Current = outer;
            Interlocked.And(ref _status, ~Scheduled);
            if (HasSystemMessages) TrySchedule(forSystemMessage: true);
            else if (Volatile.Read(ref _status) == 0 && MessageQueue.HasMessages) TrySchedule(forSystemMessage: false);
        }
    }

    private void ProcessUserMessages()
    {
        var dispatcher = _cell.Dispatcher;
        var left = Math.Max(dispatcher.Throughput, 1);
        var deadline = dispatcher.ThroughputDeadlineTime is { } ticks and > 0 ? DateTime.UtcNow.Ticks + ticks : long.MaxValue;
        while ((Volatile.Read(ref _status) & (Closed | SuspendMask)) == 0 && MessageQueue.TryDequeue(out var envelope))
        {
            _cell.Invoke(envelope);
            if (Volatile.Read(ref _system) is not null) ProcessSystemMessages();
            if (--left <= 0 || (deadline != long.MaxValue && DateTime.UtcNow.Ticks >= deadline)) return;
        }
    }

    private void ProcessSystemMessages()
    {
        while (Volatile.Read(ref _system) is not null and not NoMessage)
        {
            var message = InOrder(Interlocked.Exchange(ref _system, null));
            while (message is not null)
            {
                var next = message.Next;
                message.Next = null;
                if (IsClosed) (_cell.SystemImpl.DeadLetters as IInternalActorRef)?.SendSystemMessage(message);
                else _cell.SystemInvoke(message);
                message = next;
            }
            // Whatever was still in the batch when the actor closed has now gone; bar the door for good.
            if (IsClosed) BarSystemQueue();
        }
    }

    private static SystemMessage InOrder(SystemMessage latest)
    {
        SystemMessage ordered = null;
        while (latest is not null and not NoMessage)
        {
            var next = latest.Next;
            latest.Next = ordered;
            ordered = latest;
            latest = next;
        }
        return ordered;
    }

    internal void Suspend() => Interlocked.Add(ref _status, SuspendUnit);

    internal void Resume()
    {
        while (true)
        {
            var status = Volatile.Read(ref _status);
            if ((status & SuspendMask) == 0) return;
            if (Interlocked.CompareExchange(ref _status, status - SuspendUnit, status) == status) return;
        }
    }

    /// <summary>No message is handled any more: all that waits, and all that comes, becomes a dead letter.</summary>
    internal void BecomeClosed()
    {
        Interlocked.Or(ref _status, Closed);
        BarSystemQueue();
        DrainToDeadLetters();
    }

    private void BarSystemQueue()
    {
        var message = Interlocked.Exchange(ref _system, ClosedQueue);
        if (ReferenceEquals(message, ClosedQueue)) return;
        message = InOrder(message);
        while (message is not null)
        {
            var next = message.Next;
            message.Next = null;
            (_cell.SystemImpl.DeadLetters as IInternalActorRef)?.SendSystemMessage(message);
            message = next;
        }
    }

    // The queue has one consumer at a time: after closing, whoever holds this lock.
    private void DrainToDeadLetters()
    {
        lock (this) CleanUp();
    }

    public virtual void CleanUp() => MessageQueue.CleanUp(_cell.Self, DeadLetterQueue.For(_cell.SystemImpl));
}

/// <summary>The queue into which the rest of a dead actor's mailbox is poured.</summary>
internal sealed class DeadLetterQueue(IActorRef deadLetters) : IMessageQueue
{
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<ActorSystem, DeadLetterQueue> BySystem = [];
    public static DeadLetterQueue For(ActorSystem system) => BySystem.GetValue(system, static s => new DeadLetterQueue(s.DeadLetters));
    public bool HasMessages => false;
    public int Count => 0;
    public void CleanUp(IActorRef owner, IMessageQueue deadletters) { }
    public bool TryDequeue(out Envelope envelope) { envelope = default; return false; }
    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        // A dead subscriber to dead letters must not make a dead letter of every dead letter.
        if (envelope.Message is Event.AllDeadLetters) return;
        deadLetters.Tell(new Event.DeadLetter(envelope.Message, envelope.Sender ?? deadLetters, receiver), envelope.Sender);
    }
}
