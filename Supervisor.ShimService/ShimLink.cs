using System.Threading.Channels;
using Containerd.V1.Services.Shim.Types;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.ShimService;

/// <summary>
/// The link to the shim: requests, and what the shim reports of the container. The table of processes is the shim's, kept up to
/// date by its messages, which come in order: what a request changes is in the table before its reply.
/// </summary>
internal sealed class ShimLink : IDisposable
{
    private const int MostEvents = 1024;
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(10);
    private readonly ShimSession _session;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ShimProcessView> _processes = new(StringComparer.Ordinal);
    private readonly List<Channel<Event>> _subscribers = [];
    private readonly ManualResetEventSlim _listed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Returns when the shim has listed all processes.</summary>
    /// <exception cref="TimeoutException">It has not in time.</exception>
    public ShimLink(PacketSocket socket, FrontArguments arguments)
    {
        Arguments = arguments;
        _session = new ShimSession(socket, OnMessage);
        new Thread(Read) { Name = "shim", IsBackground = true }.Start();
        using var deadline = new CancellationTokenSource(HelloTimeout);
        _session.Notify(ShimFrame.Hello(ShimFrame.Newest, ShimFrame.Oldest), deadline.Token);
        if (!_listed.Wait(HelloTimeout)) throw new TimeoutException("the shim does not answer");
    }

    public FrontArguments Arguments { get; }

    /// <summary>The shim has exited, or replaces its executable.</summary>
    public Task Ended => _ended.Task;

    /// <summary>A client called Exit.</summary>
    public Task ExitRequested => _exit.Task;

    /// <summary>The init, unless a client has deleted it; null where there is none.</summary>
    public ShimProcessView? Init => Find(Arguments.Container) is { IsDeleted: false } init ? init : null;

    /// <summary>All processes whose exits no client has collected, the init first.</summary>
    public IReadOnlyList<ShimProcessView> Processes
    {
        get
        {
            lock (_gate) return [.. _processes.Values.Where(p => !p.IsDeleted).OrderBy(p => p.IsExec).ThenBy(p => p.StartTime)];
        }
    }

    public ShimProcessView? Find(string key)
    {
        lock (_gate) return _processes.GetValueOrDefault(key);
    }

    /// <summary>Sends a request and waits for the reply.</summary>
    /// <param name="payload">A spec, for requests that have one.</param>
    public Task<MessageReader> CallAsync(
        ShimKind kind, Action<MessageWriter> body, ReadOnlyMemory<byte>? payload = null, TimeSpan? timeout = null) =>
        Task.Run(() =>
    {
        using var deadline = new CancellationTokenSource(
            timeout ?? TimeSpan.FromMilliseconds(ShimRuntime.CallMilliseconds) + HelloTimeout);
        using var file = payload is { } bytes ? Payload.Write(bytes.Span) : null;
        var reply = _session.Call(kind, body, file, deadline.Token);
        foreach (var left in reply.Descriptors) left.Dispose();
        return reply.Body;
    });

    /// <summary>After the answer to a client's Exit.</summary>
    public void RequestExit()
    {
        EndSubscriptions();
        _exit.TrySetResult();
    }

    /// <summary>What happens from now on, behind the exits that no client has collected.</summary>
    /// <returns>Completed with an error when the subscriber falls behind too far, without one when the shim exits.</returns>
    public Channel<Event> Subscribe()
    {
        var channel = Channel.CreateBounded<Event>(new BoundedChannelOptions(MostEvents) { SingleReader = true });
        lock (_gate)
        {
            foreach (var process in _processes.Values.Where(p => p is { IsDeleted: false, Exit: not null }).Take(MostEvents))
                channel.Writer.TryWrite(ExitOf(process, process.Exit!));
            if (_ended.Task.IsCompleted) channel.Writer.TryComplete();
            else _subscribers.Add(channel);
        }
        return channel;
    }

    public void Unsubscribe(Channel<Event> channel)
    {
        lock (_gate) _subscribers.Remove(channel);
    }

    public void Dispose()
    {
        _session.Stop();
        _session.Dispose();
    }

    private void Read()
    {
        try
        {
            _session.Read(() => true);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Console.Error.WriteLine($"{FrontArguments.Program}: {Arguments.Container}: {e.Message}");
        }
        lock (_gate) _ended.TrySetResult();
        EndSubscriptions();
        _session.Dispose(); // calls that wait fail
    }

    private void EndSubscriptions()
    {
        lock (_gate)
        {
            foreach (var subscriber in _subscribers) subscriber.Writer.TryComplete();
        }
    }

    private void OnMessage(ShimKind kind, MessageReader body, List<Fd> descriptors)
    {
        lock (_gate)
        {
            switch (kind)
            {
                case ShimKind.Hello:
                    _session.Version = ShimFrame.Negotiate(body.I32(), body.I32());
                    break;
                case ShimKind.ListEnd:
                    _listed.Set();
                    break;
                case ShimKind.Listed:
                    Listed(body, descriptors);
                    break;
                case ShimKind.Exited when body.Exit() is var exit && _processes.TryGetValue(exit.Key, out var process)
                    && process.Pid == exit.Pid:
                    _processes[exit.Key] = process with { Exit = exit, IsHeld = false };
                    Publish(ExitOf(process, exit));
                    break;
                case ShimKind.OutOfMemory when _processes.TryGetValue(body.Text(), out var process):
                    Publish(EventOf(Event.Types.EventType.Oom, process));
                    break;
                case ShimKind.Started when _processes.TryGetValue(body.Text(), out var process) && process is { IsHeld: true }:
                    _processes[process.Key] = process with { IsHeld = false };
                    Publish(EventOf(Event.Types.EventType.Start, process));
                    break;
                case ShimKind.Frozen when _processes.TryGetValue(body.Text(), out var process):
                    Publish(EventOf(Event.Types.EventType.Paused, process));
                    break;
                case ShimKind.Deleted:
                    Deleted(body.Text());
                    break;
            }
        }
    }

    private void Listed(MessageReader body, List<Fd> descriptors)
    {
        var handover = body.Process(descriptors, _session.Version);
        _ = body.Text(); // the container: ours
        var exit = body.Flag() ? body.Exit() : null;
        var (marks, spec) = body.Marks();
        var held = handover.Handles[ProcessHandover.HeldPlace] is not null;
        handover.Close(); // the shim keeps the streams, and signals
        var process = new ShimProcessView(
            handover.Key, handover.Pid, handover.StartTime, handover.IsExec, handover.Terminal,
            handover.Bundle ?? Arguments.Bundle, handover.CgroupPaths, spec)
        {
            Exit = exit, IsHeld = held && exit is null, IsDeleted = marks.HasFlag(ServiceMarks.Deleted),
        };
        _processes[process.Key] = process;
        if (_listed.IsSet)
            Publish(EventOf(process.IsExec ? Event.Types.EventType.ExecAdded : Event.Types.EventType.Create, process));
    }

    /// <summary>A container's removal is one message, also for its execs.</summary>
    private void Deleted(string key)
    {
        if (key == Arguments.Container && Arguments.IsAlone) _processes.Clear();
        else if (_processes.TryGetValue(key, out var process))
        {
            if (process.IsExec) _processes.Remove(key);
            else _processes[key] = process with { IsDeleted = true };
        }
    }

    private void Publish(Event happened)
    {
        foreach (var subscriber in _subscribers.ToList())
        {
            if (subscriber.Writer.TryWrite(happened)) continue;
            subscriber.Writer.TryComplete(new SubscriberTooSlowException(MostEvents));
            _subscribers.Remove(subscriber);
        }
    }

    private Event ExitOf(ShimProcessView process, ExitRecord exit)
    {
        var happened = EventOf(Event.Types.EventType.Exit, process);
        happened.ExitStatus = (uint)(exit.Status ?? 255);
        happened.ExitedAt = exit.At.ToTimestamp();
        return happened;
    }

    private Event EventOf(Event.Types.EventType type, ShimProcessView process) =>
        new() { Id = Arguments.Id, Type = type, Pid = (uint)process.Pid };
}

/// <summary>A subscriber to events did not read them in time.</summary>
internal sealed class SubscriberTooSlowException(int most)
    : Exception($"{most} events wait to be read: the subscription ends here; subscribe again and read faster");
