using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.ShimClient;

/// <summary>The daemon's side of one connection to a shim. Any thread may call; one reads.</summary>
internal sealed class ShimSession(PacketSocket socket, Action<ShimKind, MessageReader, List<Fd>> onMessage) : IDisposable
{
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private readonly Lock _sending = new(); // messages are sent whole; not held while waiting for room in the socket
    private long _lastNumber;
    private volatile bool _ended;

    /// <summary>A reply with its descriptors, which the receiver closes.</summary>
    public sealed record Reply(MessageReader Body, List<Fd> Descriptors);

    /// <param name="Late">Called with a reply that comes after the caller gave up.</param>
    /// <param name="Spawned">Called by the reader with the reply of a spawn, before it reads on.</param>
    private sealed record Pending(TaskCompletionSource<Reply> Answer, Action<Reply>? Late, Action<Reply>? Spawned)
    {
        public const int Waiting = 0, Replied = 1, Abandoned = 2;
        public int State = Waiting;

        /// <summary>Set with the answer. It does not spin, as Task.Wait does: an answer takes far longer than that.</summary>
        public ManualResetEventSlim Arrived { get; } = new(initialState: false, spinCount: 0);

        public void Succeed(Reply reply)
        {
            Answer.TrySetResult(reply);
            Arrived.Set();
        }

        public void Fail(Exception reason)
        {
            Answer.TrySetException(reason);
            Arrived.Set();
        }
    }

    public (int Pid, uint Uid) Peer => socket.Peer;

    /// <summary>The version that both sides speak, once the shim has sent its Hello.</summary>
    public int Version { get; set; } = ShimFrame.Oldest;

    /// <summary>Sends a request and waits for the reply.</summary>
    /// <exception cref="ShimLostException">The shim exited first: the outcome is unknown.</exception>
    /// <exception cref="OperationCanceledException">No reply before the deadline.</exception>
    /// <exception cref="IOException">And other types: what the shim's side threw.</exception>
    public Reply Call(
        ShimKind kind, Action<MessageWriter> body, SafeHandle? payload, CancellationToken deadline, Action<Reply>? late = null,
            Action<Reply>? spawned = null)
    {
        var (number, pending) = SendRequest(kind, body, payload is null ? [] : [payload], late, spawned, deadline);
        try
        {
            pending.Arrived.Wait(deadline);
        }
        catch (OperationCanceledException)
        {
            if (Interlocked.CompareExchange(ref pending.State, Pending.Abandoned, Pending.Waiting) == Pending.Waiting) throw;
        }
        return pending.Answer.Task.GetAwaiter().GetResult();
    }

    /// <summary>Sends a request without waiting for the reply.</summary>
    public Task<Reply> Ask(ShimKind kind, Action<MessageWriter> body, SafeHandle[] handles, CancellationToken deadline) =>
        SendRequest(kind, body, handles, null, null, deadline).Pending.Answer.Task;

    /// <summary>Sends a message that has no reply.</summary>
    public void Notify(MessageWriter message, CancellationToken deadline) => Send(message, [], deadline);

    /// <summary>Reads until either side closes the connection.</summary>
    public void Read(Func<bool> keepReading)
    {
        var buffer = new byte[PacketSocket.MaximumMessage];
        while (keepReading() && !_ended)
        {
            var descriptors = new List<Fd>();
            if (socket.TryReceive(buffer, descriptors) is not { } length)
            {
                Poll.Wait(socket.Fd.Number, PollEvents.POLLIN, TimeSpan.FromSeconds(60));
                continue;
            }
            if (length == 0) return;
            var body = new MessageReader(buffer.AsMemory(0, length).ToArray());
            var (kind, number) = ((ShimKind)body.U8(), body.I64());
            if (kind is ShimKind.Done or ShimKind.Spawned or ShimKind.Failed)
                OnReply(kind, number, new Reply(body, descriptors));
            else
            {
                onMessage(kind, body, descriptors);
                foreach (var left in descriptors) left.Dispose();
            }
        }
    }

    /// <summary>Closes the connection, which ends <see cref="Read"/> too.</summary>
    public void Stop()
    {
        _ended = true;
        socket.ShutDown();
    }

    public void Dispose()
    {
        _ended = true;
        foreach (var number in _pending.Keys)
            if (_pending.TryRemove(number, out var pending)) pending.Fail(new ShimLostException());
        lock (_sending) socket.Dispose();
    }

    private (long Number, Pending Pending) SendRequest(
        ShimKind kind, Action<MessageWriter> body, SafeHandle[] handles, Action<Reply>? late, Action<Reply>? spawned,
            CancellationToken deadline)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var pending = new Pending(
            new TaskCompletionSource<Reply>(TaskCreationOptions.RunContinuationsAsynchronously), late, spawned);
        _pending[number] = pending;
        var message = ShimFrame.Begin(kind, number);
        body(message);
        try
        {
            Send(message, handles, deadline);
        }
        catch
        {
            _pending.TryRemove(number, out _);
            throw;
        }
        if (_ended) pending.Fail(new ShimLostException()); // Dispose may have run before it was added
        return (number, pending);
    }

    private void Send(MessageWriter message, SafeHandle[] handles, CancellationToken deadline)
    {
        Span<int> numbers = stackalloc int[handles.Length];
        for (var i = 0; i < handles.Length; i++) numbers[i] = (int)handles[i].DangerousGetHandle();
        while (true)
        {
            lock (_sending)
            {
                if (_ended) throw new ShimLostException();
                try
                {
                    if (socket.TrySend(message.Written.Span, numbers)) return;
                }
                catch (SyscallException)
                {
                    throw new ShimLostException();
                }
            }
            deadline.ThrowIfCancellationRequested();
            Poll.Wait(socket.Fd.Number, PollEvents.POLLOUT, TimeSpan.FromMilliseconds(100));
        }
    }

    private void OnReply(ShimKind kind, long number, Reply reply)
    {
        if (!_pending.TryRemove(number, out var pending))
        {
            foreach (var left in reply.Descriptors) left.Dispose();
            return;
        }
        var waits = Interlocked.CompareExchange(ref pending.State, Pending.Replied, Pending.Waiting) == Pending.Waiting;
        if (kind is ShimKind.Failed) pending.Fail(reply.Body.Error());
        else if (waits) Accept(pending, reply);
        else if (kind is ShimKind.Spawned && pending.Late is { } late) ThreadPool.UnsafeQueueUserWorkItem(_ => late(reply), null);
        else foreach (var left in reply.Descriptors) left.Dispose();
        if (kind is ShimKind.Failed) _ = pending.Answer.Task.Exception; // observed
    }

    private static void Accept(Pending pending, Reply reply)
    {
        try
        {
            pending.Spawned?.Invoke(reply);
            pending.Succeed(reply);
        }
        catch (Exception e)
        {
            pending.Fail(e); // fails this call only: the connection has other callers
        }
    }
}

/// <summary>The shim exited before it replied: the call's outcome is unknown.</summary>
public sealed class ShimLostException() : IOException("the shim exited before it replied");
