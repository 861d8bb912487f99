using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.ShimClient;

/// <summary>The callbacks of a <see cref="ShimConnection"/>, all on its one thread.</summary>
internal interface IShimListener
{
    /// <summary>A connection is made. The shim lists its processes next.</summary>
    void Connected();

    /// <summary>A notification, or one process of the shim's list.</summary>
    /// <param name="descriptors">Closed afterwards, unless taken.</param>
    void OnMessage(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors);

    /// <summary>The shim has listed all of its processes. No caller gets the session before this returns.</summary>
    void Listed(ShimSession session);

    /// <summary>The shim exited.</summary>
    void OnShimExited();
}

/// <summary>
/// The connection to a shim. One thread maintains it: it finds or starts the shim, reads from it, and does so again when the
/// shim has exited.
/// </summary>
internal sealed class ShimConnection
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20), Grace = TimeSpan.FromSeconds(5),
        FirstDelay = TimeSpan.FromMilliseconds(200), LongestDelay = TimeSpan.FromSeconds(2);
    private readonly ShimOptions _options;
    private readonly IShimListener _listener;
    private readonly Thread _thread;
    private readonly Lock _leaving = new(); // held during a Leave call: the exit that follows is expected
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

    /// <summary>No shim has listed its processes yet, so no request was ever sent.</summary>
    public bool HasNeverListed => !_everListed;

    /// <summary>The shim exited on request: it had no processes.</summary>
    public bool HasLeft => _left;

    /// <summary>It has left, or <see cref="Stop"/> was called.</summary>
    public bool IsStopping => _stopping;

    /// <summary>The process is alive, with or without a connection.</summary>
    public bool IsShimAlive => _shim is { IsClosed: false } shim && !shim.WaitForExit(TimeSpan.Zero);

    /// <summary>The current session; null while there is none.</summary>
    public ShimSession? Current => _session.Task is { IsCompletedSuccessfully: true, Result: var session } ? session : null;

    /// <summary>Waits for a session.</summary>
    /// <exception cref="ShimLostException">The connection was stopped.</exception>
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

    /// <summary>For idempotent calls: retries with the next shim when one exits during the call.</summary>
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

    /// <summary>Waits for the shim to exit: the connection can break before.</summary>
    public void WaitForShimExit()
    {
        if (_shim is { IsClosed: false } shim) shim.WaitForExit(TimeSpan.FromSeconds(2));
    }

    /// <summary>Stops the shim and the thread, if the shim has no processes left.</summary>
    /// <returns>False where it has some, or where that cannot be known: then nothing has changed.</returns>
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
        WaitForShimExit();
        Stop();
        return true;
    }

    /// <summary>Stops the thread. The shim keeps running.</summary>
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
        var (delay, reported) = (FirstDelay, "");
        while (!_stopping)
        {
            try
            {
                RunSession();
                (delay, reported) = (FirstDelay, "");
            }
            catch (Exception e) when (!_stopping)
            {
                if (e.Message != reported) _options.Log($"the shim in {_options.Directory}: {e.Message}; trying again");
                reported = e.Message;
                Thread.Sleep(delay);
                delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
            }
        }
    }

    private void RunSession()
    {
        var socket = Connect();
        if (socket is null) return;
        ShimSession session = null!;
        session = new ShimSession(socket, (kind, body, descriptors) => OnMessage(session, kind, body, descriptors));
        using (session)
        {
            var (pid, uid) = session.Peer;
            if (uid != CurrentUser.Uid)
                throw new IOException($"process {pid} of user {uid} serves its socket: not the daemon's user");
            if (ShimPid != pid || _shim is null)
            {
                // An earlier daemon's shim, or one that listened before the one that we have just started, which exits then.
                _shim?.Dispose();
                _shim = Pidfd.TryOpen(pid);
            }
            ShimPid = pid;
            _listener.Connected();
            using (var deadline = new CancellationTokenSource(Grace))
                session.Notify(ShimFrame.Hello(ShimFrame.Newest, ShimFrame.Oldest), deadline.Token);
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
            if (_stopping) return; // the exit was requested
        }
        WaitForShimExit();
        if (_shim?.WaitForExit(TimeSpan.Zero) == false) return; // only the connection broke
        _shim?.TryReap();
        _shim?.Dispose();
        _shim = null;
        ShimPid = null;
        _listener.OnShimExited();
    }

    private void OnMessage(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors)
    {
        switch (kind)
        {
            case ShimKind.Hello:
                session.Version = ShimFrame.Negotiate(body.I32(), body.I32());
                break;
            case ShimKind.ListEnd:
                // No caller has the session yet: one that adopts must see the complete list.
                _listener.Listed(session);
                UpgradeIfOlder(session);
                _everListed = true;
                _session.TrySetResult(session);
                break;
            default:
                _listener.OnMessage(session, kind, body, descriptors);
                break;
        }
    }

    private void UpgradeIfOlder(ShimSession session)
    {
        var running = FileStatus.IdentityOf($"/proc/{session.Peer.Pid}/exe");
        if (running.Length == 0 || running == FileStatus.IdentityOf(_options.Executable)) return;
        _options.Log($"the shim (process {session.Peer.Pid}) runs another executable than {_options.Executable}: upgrading it");
        using var deadline = new CancellationTokenSource(Grace);
        session.Ask(ShimKind.Upgrade, m => m.Text(_options.Executable), [], deadline.Token)
            .ContinueWith(t => _options.Log($"cannot upgrade the shim: {t.Exception!.InnerException!.Message}"),
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
                throw new IOException($"it exited at once; see {Path.Join(_options.Directory, "log")}");
            }
            _shim ??= ShimLauncher.Launch(_options.Executable, _options.Directory);
            if (Environment.TickCount64 > end) throw new IOException($"it does not listen after {StartTimeout.TotalSeconds:0} s");
        }
        return null;
    }

    private static TaskCompletionSource<ShimSession> NewSession() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
