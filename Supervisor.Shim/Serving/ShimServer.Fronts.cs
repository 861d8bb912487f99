using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.ShimClient;
using Supervisor.Shim.Fronts;

namespace Supervisor.Shim.Serving;

/// <summary>
/// The Shim service of each container: its front requests what a client wants, and is notified of what happens. The daemon is
/// notified of what a client does to its container.
/// </summary>
internal sealed partial class ShimServer
{
    private const int LongestSpec = 16 << 10; // of an exec, kept for lists; a message has 64 KiB
    private static readonly TimeSpan FrontTimeout = TimeSpan.FromSeconds(20), FreezeTimeout = TimeSpan.FromSeconds(10);
    private readonly List<Connection> _fronts = [];
    private bool _leaving;

    /// <summary>Beside the container's config.json: it goes with it. A bundle of the caller's gets none.</summary>
    private void OpenFront(ShimProcessEntry entry)
    {
        if (entry.Container?.Bundle is not { } bundle || entry.Front is not null) return;
        try
        {
            entry.Front = OpenFront(
                Path.Join(bundle, Bundle.ServiceSocket), new FrontArguments(entry.Key, "", FrontArguments.IdleOfEnvironment));
        }
        catch (IOException e)
        {
            _log($"{entry.Key}: it has no Shim service: {e.Message}"); // it runs all the same
        }
    }

    private FrontSocket OpenFront(string path, FrontArguments arguments) => new(_loop, _host.Reaper, path, socket =>
    {
        var added = _work.TryAdd($"front of {arguments.Container}", FrontTimeout, deadline =>
        {
            var (ours, theirs) = PacketSocket.Pair();
            try
            {
                using (theirs)
                {
                    var front = FrontLauncher.Launch(arguments, socket.Listener, theirs, deadline);
                    return () => Begin(socket, front, ours, arguments.Container);
                }
            }
            catch
            {
                ours.Dispose();
                throw;
            }
        }, Refuse);
        if (!added) Refuse(new InvalidOperationException("too many are being started"));

        void Refuse(Exception e)
        {
            _log($"{arguments.Container}: the front of its Shim service cannot be started: {e.Message}");
            socket.Failed();
        }
    });

    private void Begin(FrontSocket socket, LaunchedProcess front, PacketSocket link, string container)
    {
        var connection = new Connection(_loop, link, OnMessage, OnEnd) { Container = container };
        _fronts.Add(connection);
        socket.Started(front, () =>
        {
            _fronts.Remove(connection);
            connection.Dispose();
        });
    }

    /// <summary>A list of its own: one that cannot be sent to leaves the others.</summary>
    private List<Connection> FrontsOf(string key)
    {
        if (_fronts.Count == 0) return [];
        var container = ShimDirectories.ContainerOf(key);
        return _fronts.FindAll(f => f.Version > 0 && f.Container == container);
    }

    private void TellFronts(string key, MessageWriter message)
    {
        foreach (var front in FrontsOf(key)) front.Send(message);
    }

    /// <summary>Notifies the daemon and the container's front.</summary>
    private void Tell(string key, MessageWriter message)
    {
        _connection?.Send(message);
        TellFronts(key, message);
    }

    private void OnFrontMessage(Connection from, ShimKind kind, long number, MessageReader body, List<Fd> descriptors)
    {
        if (kind is ShimKind.Hello)
        {
            from.Version = ShimFrame.Negotiate(body.I32(), body.I32());
            from.Send(ShimFrame.Hello(ShimFrame.Newest, ShimFrame.Oldest, Environment.ProcessId));
            foreach (var entry in _processes.Values)
                if (ShimDirectories.ContainerOf(entry.Key) == from.Container) TryList(from, entry);
            from.Send(ShimFrame.Begin(ShimKind.ListEnd));
            return;
        }
        switch (kind)
        {
            case ShimKind.Create when _alone is not null: Create(from, number, body, descriptors); break;
            case ShimKind.Restore when _alone is not null: Restore(from, number, body, descriptors); break;
            case ShimKind.End when _alone is not null: End(from, number, body); break;
            case ShimKind.Leave: Exit(from, number); break;
            case ShimKind.Checkpoint: Checkpoint(from, number, body); break;
            case ShimKind.CloseInput: Do(from, number, body.Text(), h => h.Child.CloseInput()); break;
            case ShimKind.Resize:
                var (key, columns, rows) = (body.Text(), (ushort)body.I32(), (ushort)body.I32());
                Do(from, number, key, h => h.Child.Resize(columns, rows));
                break;
            case ShimKind.Exec: ExecAtOnce(from, number, body, descriptors); break;
            case ShimKind.Start: StartInit(from, number); break;
            case ShimKind.Freeze or ShimKind.Thaw: Freeze(from, number, freeze: kind is ShimKind.Freeze); break;
            case ShimKind.Signal: Signal(from, number, body.Text(), body.I32(), body.Flag()); break;
            case ShimKind.Delete: Delete(from, number, body.Text()); break;
            default: Fail(from, number, new InvalidOperationException($"request {(int)kind}: not for a front")); break;
        }
    }

    private Container InitOf(Connection from) =>
        _processes.GetValueOrDefault(from.Container!)?.Container ?? throw Unknown(from.Container!);

    private void StartInit(Connection from, long number)
    {
        var key = from.Container!;
        Work(from, number, key, ShimRuntime.CallMilliseconds, deadline =>
        {
            var init = InitOf(from);
            if (!init.IsHeld) throw new InvalidOperationException("cannot start a running process");
            init.Start(deadline);
            return () =>
            {
                if (_processes.GetValueOrDefault(key) is { } entry) entry.Marks |= ServiceMarks.Started;
                Tell(key, ShimFrame.Begin(ShimKind.Started).Text(key));
                Answer(from, number);
            };
        });
    }

    /// <summary>
    /// Spawns an exec and starts it. One that cannot be started leaves nothing, and is reported only to its client.
    /// </summary>
    private void ExecAtOnce(Connection from, long number, MessageReader body, List<Fd> descriptors)
    {
        var (key, milliseconds, _, stdio) = (body.Text(), body.I32(), body.Text(), body.Stdio());
        var spec = Payload.Read(descriptors);
        Work(from, number, from.Container!, milliseconds, deadline =>
        {
            if (Taken(key) is { } taken) throw taken;
            DescriptorLimit.CheckRoom();
            var process = InitOf(from).Exec(new ExecRequest(spec, stdio), deadline);
            try
            {
                process.Start(deadline);
            }
            catch
            {
                process.End(FrontTimeout);
                throw;
            }
            var entry = new ShimProcessEntry(key, from.Container, process)
            {
                Marks = ServiceMarks.Exec, Spec = spec.Length <= LongestSpec ? spec : [],
            };
            return () =>
            {
                // Before the answer and before its exit.
                foreach (var front in FrontsOf(key)) TryList(front, entry);
                if (_connection is { } daemon) TryList(daemon, entry);
                from.Send(ShimFrame.Begin(ShimKind.Done, number).I32(process.Pid));
                Add(entry);
            };
        });
    }

    private void Freeze(Connection from, long number, bool freeze)
    {
        var key = from.Container!;
        Work(from, number, key, ShimRuntime.CallMilliseconds, _ =>
        {
            var init = InitOf(from);
            if (freeze) init.Cgroup.Freeze(FreezeTimeout);
            else init.Cgroup.Thaw(FreezeTimeout);
            return () =>
            {
                Tell(key, ShimFrame.Begin(freeze ? ShimKind.Frozen : ShimKind.Thawed).Text(key));
                Answer(from, number);
            };
        });
    }

    /// <summary>The reply says whether there was a process left to signal. Never behind a request that is stuck.</summary>
    private void Signal(Connection from, long number, string key, int signal, bool all) =>
        Work(from, number, $"signals of {from.Container}", ShimRuntime.CallMilliseconds, _ =>
        {
            var entry = _processes.GetValueOrDefault(key) ?? throw Unknown(key);
            var sent = all ? InitOf(from).SignalAll(signal) : !entry.Reported && entry.Child.Signal(signal);
            return () => from.Send(ShimFrame.Begin(ShimKind.Done, number).Flag(sent));
        });

    /// <summary>A client has collected an exit. An exec's entry goes when the daemon has journalled it too.</summary>
    private void Delete(Connection from, long number, string key)
    {
        if (_processes.GetValueOrDefault(key) is not { } entry)
        {
            Fail(from, number, Unknown(key));
            return;
        }
        if (!entry.Reported)
        {
            Fail(from, number, new InvalidOperationException($"process {entry.Child.Pid} has not exited"));
            return;
        }
        entry.Marks |= ServiceMarks.Deleted;
        Tell(key, ShimFrame.Begin(ShimKind.Deleted).Text(key));
        if (entry.ContainerKey is not null && (_alone is not null || IsCollectedByDaemon(entry))) RemoveWhenRead(entry);
        Answer(from, number);
    }

    /// <summary>An exit that the daemon has journalled, of an exec that is kept for a client of the Shim service.</summary>
    private bool IsCollectedByDaemon(ShimProcessEntry entry) =>
        entry.Marks.HasFlag(ServiceMarks.Exec) && entry.Reported
        && _ledger.Find(entry.Key, entry.Child.Pid, entry.Child.StartTime) is null;

    /// <summary>Under a daemon, which owns the container, only the front exits. Without one we do too, if nothing runs.</summary>
    private void Exit(Connection from, long number)
    {
        Answer(from, number);
        if (_alone is not null) TryLeaveAlone();
    }

    /// <summary>Removes what is left of a container that has exited, and completes <see cref="Done"/>.</summary>
    /// <returns>False where something runs.</returns>
    private bool TryLeaveAlone()
    {
        _leaving = false;
        if (_processes.Values.Any(p => !p.Reported)) return false;
        if (!_work.IsIdle)
        {
            _leaving = true; // when that is done: an exit is reported before its mounts are gone
            return true;
        }
        if (_processes.GetValueOrDefault(_alone!.Container) is not { } init)
        {
            _done.TrySetResult();
            return true;
        }
        return _work.TryAdd(init.Key, FrontTimeout, _ =>
        {
            init.Child.End(FrontTimeout);
            return () => _done.TrySetResult();
        }, e =>
        {
            Report(e);
            _done.TrySetResult();
        });
    }
}
