using System.Collections.Concurrent;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using Supervisor.Shim.Fronts;

namespace Supervisor.Shim.Serving;

/// <summary>
/// The parent of a node's containers, or of one that has no daemon. One thread owns everything here: it accepts, reads, replies,
/// reaps and relays.
/// A few workers do what may block in the kernel, one item at a time per key.
/// </summary>
internal sealed partial class ShimServer : IDisposable
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30), Quiet = TimeSpan.FromSeconds(2), KeepParents = Quiet;
    private readonly Action<string> _log;
    private readonly EventLoop _loop;
    private readonly CgroupParents _parents;
    private readonly ContainerHost _host;
    private readonly KeyedWork _work;
    private readonly ExitLedger _ledger;
    private readonly ConcurrentDictionary<string, ShimProcessEntry> _processes = new(StringComparer.Ordinal); // workers read it
    private readonly Dictionary<(int Pid, ulong StartTime), ShimProcessEntry> _byPid = [];
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _idleCheck, _tidyTimer;
    private readonly FrontArguments? _alone;
    private PacketSocket? _listener;
    private FrontSocket? _aloneSocket;
    private Connection? _connection;

    /// <param name="alone">The socket and the front of the one container that a shim without a daemon serves.</param>
    public ShimServer(string directory, Fd? state, Action<string> log, (string Socket, FrontArguments Front)? alone = null)
    {
        (_log, _alone) = (log, alone?.Front);
        _loop = new EventLoop("shim", Report);
        _work = new KeyedWork(_loop, Rest);
        _parents = new CgroupParents(KeepParents, Path.Join(directory, "parents"), Report);
        _host = new ContainerHost(_loop, Report) { BeforeReap = RecordExit, Parents = _parents };
        _ledger = new ExitLedger(Path.Join(directory, "exits"), log);
        _idleCheck = new Timer(_ => _loop.Post(ExitIfIdle), null, IdleTimeout, IdleTimeout);
        _tidyTimer = new Timer(_ => _loop.Post(TidyIfIdle), null, Timeout.Infinite, Timeout.Infinite);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            try
            {
                if (state is not null) Resume(state);
                else if (alone is { } one) _aloneSocket = OpenFront(one.Socket, one.Front);
                else Listen(PacketSocket.Listen(Path.Join(directory, "s")));
                started.SetResult();
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        started.Task.GetAwaiter().GetResult();
    }

    private void Report(Exception e) => _log($"{e.GetType().Name}: {e.Message}");

    /// <summary>Completes when there is nothing left to serve and a signal or the daemon requested the exit.</summary>
    public Task Done => _done.Task;

    public void Dispose()
    {
        _idleCheck.Dispose();
        _tidyTimer.Dispose();
        _loop.Dispose();
        _work.Dispose();
        _host.Dispose();
        _parents.Dispose();
        _listener?.Dispose();
        _aloneSocket?.Dispose();
        _ledger.Dispose();
    }

    private bool TryLeave()
    {
        var leaves = _processes.IsEmpty && _work.IsIdle;
        if (leaves) _done.TrySetResult();
        return leaves;
    }

    /// <summary>Exits on a signal, unless processes are left.</summary>
    public void RequestExit(string signal) => _loop.Post(() =>
    {
        if (!(_alone is null ? TryLeave() : TryLeaveAlone()))
            _log($"{signal}: not exiting, {_processes.Count} processes are running; stop them first, or send SIGKILL");
    });

    private void Listen(PacketSocket listener)
    {
        _listener = listener;
        _loop.Add(listener.Fd.Number, EpollEvents.EPOLLIN, _ =>
        {
            while (listener.TryAccept() is { } socket) Accept(socket);
        });
    }

    private void Accept(PacketSocket socket)
    {
        var (pid, uid) = socket.Peer;
        if (uid != CurrentUser.Uid)
        {
            _log($"refused connection from process {pid}: it runs as user {uid}, not as ours");
            socket.Dispose();
            return;
        }
        _ = new Connection(_loop, socket, OnMessage, OnEnd);
    }

    private void OnEnd(Connection connection, string why)
    {
        if (connection.Container is not null)
        {
            _fronts.Remove(connection);
            return;
        }
        if (_connection != connection) return;
        _connection = null;
        _log($"lost the daemon ({why}); {_processes.Count} processes keep running");
    }

    private void OnMessage(Connection from, ShimKind kind, long number, MessageReader body, List<Fd> descriptors)
    {
        if (from.Version == 0 && kind is not ShimKind.Hello)
            throw new InvalidDataException("the peer did not send hello first");
        if (from.Container is not null)
        {
            OnFrontMessage(from, kind, number, body, descriptors);
            return;
        }
        switch (kind)
        {
            case ShimKind.Hello: Greet(from, body); break;
            case ShimKind.Create: Create(from, number, body, descriptors); break;
            case ShimKind.Restore: Restore(from, number, body, descriptors); break;
            case ShimKind.Checkpoint: Checkpoint(from, number, body); break;
            case ShimKind.Exec: Exec(from, number, body, descriptors); break;
            case ShimKind.Start: Start(from, number, body); break;
            case ShimKind.End: End(from, number, body); break;
            case ShimKind.Adopt: Adopt(from, number, body, descriptors); break;
            case ShimKind.CloseInput: Do(from, number, body.Text(), h => h.Child.CloseInput()); break;
            case ShimKind.Resize:
                var (key, columns, rows) = (body.Text(), (ushort)body.I32(), (ushort)body.I32());
                Do(from, number, key, h => h.Child.Resize(columns, rows));
                break;
            case ShimKind.Collected: Collected(body.Text(), body.I32(), (ulong)body.I64()); break;
            case ShimKind.Frozen or ShimKind.Thawed:
                var paused = body.Text();
                TellFronts(paused, ShimFrame.Begin(kind).Text(paused));
                break;
            case ShimKind.Upgrade: BeginUpgrade(from, number, body.Text()); break;
            case ShimKind.Leave: Leave(from, number); break;
            default:
                if (number != 0) Fail(
                    from, number, new InvalidOperationException($"unknown request {(int)kind}: this shim is too old"));
                break;
        }
    }

    private void Greet(Connection from, MessageReader body)
    {
        from.Version = ShimFrame.Negotiate(body.I32(), body.I32());
        _connection?.Dispose(); // the root's lock allows one daemon only, so the previous one is dead or exiting
        _connection = from;
        from.Send(ShimFrame.Hello(ShimFrame.Newest, ShimFrame.Oldest, Environment.ProcessId));
        var listed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _processes.Values)
            if (!IsCollectedByDaemon(entry) && TryList(from, entry)) listed.Add(entry.Key);
        foreach (var exit in _ledger.Uncollected)
            if (!listed.Contains(exit.Key)) from.Send(ShimFrame.Begin(ShimKind.Exited).Put(exit));
        from.Send(ShimFrame.Begin(ShimKind.ListEnd));
    }

    /// <returns>False where it is just being removed.</returns>
    private static bool TryList(Connection to, ShimProcessEntry entry)
    {
        var process = entry.Child.HandOver(entry.Key, stop: false);
        if (process.Handles[ProcessHandover.PidfdPlace] is not { IsClosed: false }) return false;
        var message = ShimFrame.Begin(ShimKind.Listed).Put(process, to.Version).Text(entry.ContainerKey ?? "")
            .Flag(entry.Reported);
        if (entry.Reported) message.Put(entry.Exit!);
        to.Send(message.Put(entry.Marks, entry.Spec), process.Present());
        return true;
    }

    private void Create(Connection from, long number, MessageReader body, List<Fd> descriptors)
    {
        var (key, milliseconds) = (body.Text(), body.I32());
        var request = body.Request(Payload.Read(descriptors));
        request = request with { NoPivot = body.Flag(), RecordsCgroup = _alone is not null };
        if (body.Text() is { Length: > 0 } trace) request = request with { Trace = trace };
        Work(from, number, key, milliseconds, deadline =>
        {
            DescriptorLimit.CheckRoom();
            var container = Container.Create(_host, request, deadline);
            return () => Host(from, number, new ShimProcessEntry(key, null, container));
        }, refused: Taken(key));
    }

    private void Restore(Connection from, long number, MessageReader body, List<Fd> descriptors)
    {
        var (key, milliseconds) = (body.Text(), body.I32());
        var request = body.Request(Payload.Read(descriptors)) with { RecordsCgroup = _alone is not null };
        var options = body.Checkpoint();
        Work(from, number, key, milliseconds, deadline =>
        {
            DescriptorLimit.CheckRoom();
            var container = Container.Restore(_host, request, options, deadline);
            return () => Host(from, number, new ShimProcessEntry(key, null, container));
        }, refused: Taken(key));
    }

    private void Checkpoint(Connection from, long number, MessageReader body)
    {
        var (key, milliseconds) = (body.Text(), body.I32());
        var options = body.Checkpoint();
        Work(from, number, key, milliseconds, deadline =>
        {
            if (_processes.GetValueOrDefault(key)?.Container is not { } container) throw Unknown(key);
            container.Checkpoint(options, deadline);
            return () => Answer(from, number);
        });
    }

    private void Exec(Connection from, long number, MessageReader body, List<Fd> descriptors)
    {
        var (key, milliseconds, containerKey, stdio) = (body.Text(), body.I32(), body.Text(), body.Stdio());
        var request = new ExecRequest(Payload.Read(descriptors), stdio);
        Work(from, number, key, milliseconds, deadline =>
        {
            if (_processes.GetValueOrDefault(containerKey)?.Container is not { } container)
                throw new InvalidOperationException("the container is not in this shim");
            DescriptorLimit.CheckRoom();
            var process = container.Exec(request, deadline);
            return () => Host(from, number, new ShimProcessEntry(key, containerKey, process));
        }, refused: Taken(key));
    }

    private void Start(Connection from, long number, MessageReader body)
    {
        var (key, milliseconds) = (body.Text(), body.I32());
        Work(from, number, key, milliseconds, deadline =>
        {
            var entry = _processes.GetValueOrDefault(key) ?? throw Unknown(key);
            entry.Child.Start(deadline);
            return () =>
            {
                TellFronts(key, ShimFrame.Begin(ShimKind.Started).Text(key));
                Answer(from, number);
            };
        });
    }

    private void End(Connection from, long number, MessageReader body)
    {
        var (key, milliseconds, bundle, cgroupPaths) = (body.Text(), body.I32(), body.Text(), body.Pairs());
        var timeout = TimeSpan.FromMilliseconds(milliseconds);
        Work(from, number, key, milliseconds, _ =>
        {
            // Looked up only now: a create that was in flight when this was requested has completed.
            if (_processes.GetValueOrDefault(key) is { } entry) entry.Child.End(timeout);
            else if (bundle.Length > 0) Container.TearDown(bundle, cgroupPaths, timeout, Report, _parents);
            return () =>
            {
                TellFronts(key, ShimFrame.Begin(ShimKind.Deleted).Text(key));
                Remove(key);
                foreach (var exec in _processes.Values.Where(h => h.ContainerKey == key).ToList()) Remove(exec.Key);
                _ledger.Forget(key);
                Answer(from, number);
            };
        });
    }

    /// <summary>Adopts a previous shim's process: its streams and its start are ours now; its parent reaps it.</summary>
    private void Adopt(Connection from, long number, MessageReader body, List<Fd> descriptors)
    {
        var process = body.Process(descriptors, from.Version);
        var container = body.Text();
        var (marks, spec) = body.Marks();
        if (Taken(process.Key) is { } taken)
        {
            process.Close();
            Fail(from, number, taken);
            return;
        }
        try
        {
            Add(new ShimProcessEntry(process.Key, container.Length == 0 ? null : container, Resumed(process))
            {
                Marks = marks, Spec = spec,
            });
        }
        catch (Exception e)
        {
            // The process or its cgroup is being removed: the daemon watches it itself.
            Remove(process.Key);
            process.Close();
            Fail(from, number, e);
            return;
        }
        Answer(from, number);
    }

    private ContainerProcess Resumed(ProcessHandover process) =>
        process.IsExec ? new ExecProcess(_host, process) : new Container(_host, process);

    private void Host(Connection from, long number, ShimProcessEntry entry)
    {
        var process = entry.Child.HandOver(entry.Key, stop: false);
        Register(entry); // before the reply: a client may call its Shim service as soon as it has it
        if (_connection == from)
            from.Send(ShimFrame.Begin(ShimKind.Spawned, number).Put(process, from.Version), process.Present());
        foreach (var front in FrontsOf(entry.Key)) TryList(front, entry);
        if (from.Container is not null) Answer(from, number);
        Watch(entry); // after the reply: an exit is never reported before the spawn
    }

    /// <summary>Queues work behind that for the same key.</summary>
    /// <param name="work">Runs on a worker. The action that it returns runs on the loop's thread.</param>
    private void Work(Connection from, long number, string key, int milliseconds, Func<CancellationToken, Action> work,
        Exception? refused = null)
    {
        if (refused is null && !_work.TryAdd(key, TimeSpan.FromMilliseconds(milliseconds), work, e => Fail(from, number, e)))
            refused = new InvalidOperationException($"\"{key}\": too many requests are queued");
        if (refused is not null) Fail(from, number, refused);
    }

    private void Rest()
    {
        _tidyTimer.Change(Quiet, Timeout.InfiniteTimeSpan);
        UpgradeIfIdle();
        if (_leaving) TryLeaveAlone();
    }

    /// <summary>Returns memory that creations used to the kernel: a shim is long-lived, and mostly idle.</summary>
    private void TidyIfIdle()
    {
        if (_work.IsIdle) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private void Do(Connection from, long number, string key, Action<ShimProcessEntry> what)
    {
        try
        {
            what(_processes.GetValueOrDefault(key) ?? throw Unknown(key));
            Answer(from, number);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            Fail(from, number, e);
        }
    }

    private void Leave(Connection from, long number)
    {
        if (!_processes.IsEmpty || !_work.IsIdle || _ledger.Count > 0)
        {
            Fail(from, number, new InvalidOperationException($"{_processes.Count} processes are in this shim"));
            return;
        }
        _parents.Dispose(); // before the answer: then the daemon removes our directory
        Answer(from, number);
        _done.TrySetResult();
    }

    /// <summary>Exits when no daemon is connected and no process is left.</summary>
    private void ExitIfIdle()
    {
        if (_alone is null && _connection is null && _processes.IsEmpty && _work.IsIdle && _ledger.Count == 0)
            _done.TrySetResult();
    }

    private static void Answer(Connection to, long number) => to.Send(ShimFrame.Begin(ShimKind.Done, number));

    private static void Fail(Connection to, long number, Exception e) => to.Send(ShimFrame.Begin(ShimKind.Failed, number).Put(e));
}
