using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.ShimClient;

/// <summary>What a <see cref="ShimConnection"/> has to tell, all of it on its one thread.</summary>
internal interface IShimListener
{
    /// <summary>A connection is made. What the shim has in its care is told next.</summary>
    void Connected();

    /// <summary>Something that was not asked for, or what the shim has in its care.</summary>
    /// <param name="descriptors">Closed afterwards, unless taken.</param>
    void Told(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors);

    /// <summary>All that the shim has in its care has been told. Nobody else has the session before this returns.</summary>
    void Listed(ShimSession session);

    /// <summary>The shim is dead.</summary>
    void OnShimExited();
}

/// <summary>
/// The way to a shim. One thread keeps it: it finds or starts the shim, reads from it, and when it has died finds or starts
/// the next.
/// </summary>
internal sealed class ShimConnection
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20), Grace = TimeSpan.FromSeconds(5);
    private readonly ShimOptions _options;
    private readonly IShimListener _listener;
    private readonly Thread _thread;
    private readonly Lock _leaving = new(); // held while a shim is asked to leave: its end is then no death
    private volatile TaskCompletionSource<ShimSession> _session = NewSession();
    private volatile Pidfd? _shim;
    private volatile bool _stopping, _left, _everListed;

    public ShimConnection(ShimOptions options, IShimListener listener)
    {
        (_options, _listener) = (options, listener);
        _thread = new Thread(Keep, 256 << 10) { Name = "shim", IsBackground = true };
    }

    /// <summary>Starts the thread.</summary>
    public void Begin() => _thread.Start();

    /// <summary>The shim's pid; null while there is none.</summary>
    public int? ShimPid { get; private set; }

    /// <summary>No shim has ever said what is in its care, so that none was ever asked for anything.</summary>
    public bool HasNeverListed => !_everListed;

    /// <summary>The shim has ended as it was asked to: nothing was in its care.</summary>
    public bool HasLeft => _left;

    /// <summary>It has left, or <see cref="Stop"/> was called.</summary>
    public bool IsStopping => _stopping;

    /// <summary>The process is there, whether it can be talked to or not.</summary>
    public bool ShimLives => _shim is { IsClosed: false } shim && !shim.WaitForExit(TimeSpan.Zero);

    /// <summary>What can be talked over now; null while there is nothing.</summary>
    public ShimSession? Current => _session.Task is { IsCompletedSuccessfully: true, Result: var session } ? session : null;

    /// <summary>Waits for one.</summary>
    /// <exception cref="ShimLostException">There will be none any more.</exception>
    /// <exception cref="OperationCanceledException">There was none before the deadline.</exception>
    public ShimSession Session(CancellationToken deadline)
    {
        var session = _session;
        try
        {
            session.Task.Wait(deadline);
        }
        catch (AggregateException)
        {
        }
        return session.Task.GetAwaiter().GetResult();
    }

    /// <summary>Asks what bears being done twice: the next shim too, when one dies over it.</summary>
    public void Repeat(Func<ShimSession, ShimSession.Reply> call, CancellationToken deadline)
    {
        while (true)
        {
            try
            {
                call(Session(deadline));
                return;
            }
            catch (ShimLostException) when (!_stopping)
            {
                deadline.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>The connection can break before the process has ended.</summary>
    public void AwaitShimsEnd()
    {
        if (_shim is { IsClosed: false } shim) shim.WaitForExit(TimeSpan.FromSeconds(2));
    }

    /// <summary>Ends the shim, and the thread, if there is nothing left in its care.</summary>
    /// <returns>False where there is, or where that cannot be known: then nothing has changed.</returns>
    public bool TryLeave()
    {
        lock (_leaving)
        {
            if (_stopping) return _left;
            if (Current is not { } session) return false;
            try
            {
                using var deadline = new CancellationTokenSource(Grace);
                session.Call(ShimKind.Leave, _ => { }, null, deadline.Token);
            }
            catch (Exception e) when (e is InvalidOperationException or IOException or OperationCanceledException)
            {
                return false;
            }
            _stopping = _left = true;
        }
        AwaitShimsEnd();
        Stop();
        return true;
    }

    /// <summary>Ends the thread. The shim stays.</summary>
    public void Stop()
    {
        _stopping = true;
        if (Current is { } session) session.Stop();
        else _session.TrySetException(new ShimLostException());
        _thread.Join(Grace);
        _shim?.TryReap();
        _shim?.Dispose();
    }

    private void Keep()
    {
        while (!_stopping)
        {
            try
            {
                Talk();
            }
            catch (Exception e) when (!_stopping)
            {
                _options.Log($"the shim in {_options.Directory}: {e.Message}; trying again");
                Thread.Sleep(200);
            }
        }
    }

    private void Talk()
    {
        var socket = Connect();
        if (socket is null) return;
        ShimSession session = null!;
        session = new ShimSession(socket, (kind, body, descriptors) => Told(session, kind, body, descriptors));
        using (session)
        {
            var (pid, uid) = session.Peer;
            if (uid != CurrentUser.Uid) throw new IOException($"process {pid} of user {uid} answers there: not our user");
            if (ShimPid != pid || _shim is null)
            {
                // A former daemon's shim, or one that came to listen before the one that we have just started, which leaves.
                _shim?.Dispose();
                _shim = Pidfd.TryOpen(pid);
            }
            ShimPid = pid;
            _listener.Connected();
            using (var deadline = new CancellationTokenSource(Grace))
                session.Tell(ShimFrame.Hello(ShimFrame.Newest, ShimFrame.Oldest), deadline.Token);
            try
            {
                session.Read(() => !_stopping);
            }
            finally
            {
                if (!_stopping && _session.Task.IsCompleted) _session = NewSession();
            }
        }
        lock (_leaving)
        {
            if (_stopping) return; // as it was asked to
        }
        AwaitShimsEnd();
        if (_shim?.WaitForExit(TimeSpan.Zero) == false) return; // only the connection broke
        _shim?.TryReap();
        _shim?.Dispose();
        _shim = null;
        ShimPid = null;
        _listener.OnShimExited();
    }

    private void Told(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors)
    {
        switch (kind)
        {
            case ShimKind.Hello:
                session.Version = ShimFrame.Agree(body.I32(), body.I32());
                break;
            case ShimKind.ListEnd:
                // Until now the session was nobody's: who adopts must see all of the list.
                _listener.Listed(session);
                UpgradeIfOlder(session);
                _everListed = true;
                _session.TrySetResult(session);
                break;
            default:
                _listener.Told(session, kind, body, descriptors);
                break;
        }
    }

    private void UpgradeIfOlder(ShimSession session)
    {
        var running = FileStatus.IdentityOf($"/proc/{session.Peer.Pid}/exe");
        if (running.Length == 0 || running == FileStatus.IdentityOf(_options.Executable)) return;
        _options.Log($"the shim (process {session.Peer.Pid}) is another file than {_options.Executable}: it becomes that");
        using var deadline = new CancellationTokenSource(Grace);
        session.Ask(ShimKind.Upgrade, m => m.Text(_options.Executable), [], deadline.Token)
            .ContinueWith(t => _options.Log($"the shim was not upgraded: {t.Exception!.InnerException!.Message}"),
                TaskContinuationOptions.OnlyOnFaulted);
    }

    private PacketSocket? Connect()
    {
        var path = Path.Join(_options.Directory, "s");
        var end = Environment.TickCount64 + (long)StartTimeout.TotalMilliseconds;
        while (!_stopping)
        {
            if (PacketSocket.TryConnect(path) is { } socket) return socket;
            if (_shim is { } started && started.WaitForExit(TimeSpan.FromMilliseconds(10)))
            {
                started.TryReap();
                started.Dispose();
                _shim = null;
                throw new IOException($"it ended at once; {Path.Join(_options.Directory, "log")} says why");
            }
            _shim ??= ShimLauncher.Launch(_options.Executable, _options.Directory);
            if (Environment.TickCount64 > end) throw new IOException($"it does not listen after {StartTimeout.TotalSeconds:0} s");
        }
        return null;
    }

    private static TaskCompletionSource<ShimSession> NewSession() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
