using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Fronts;

/// <summary>
/// The socket of a container's Shim service. We only listen: at a connection a front is started, which accepts it and those that
/// follow, and exits when it has been idle. Then we wait for the next. All on the loop's thread.
/// </summary>
internal sealed class FrontSocket : IDisposable
{
    private const int Backlog = 64;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1), KillTimeout = TimeSpan.FromSeconds(5);
    private readonly EventLoop _loop;
    private readonly Reaper _reaper;
    private readonly string _path;
    private readonly Fd _listener;
    private readonly EventLoop.Watch _watch;
    private Action? _disconnect;
    private Pidfd? _front;
    private bool _disposed;

    /// <summary>Listens at a path, replacing what an earlier shim left there. Mode 0600.</summary>
    /// <param name="start">Called when a front is needed. It leads to <see cref="Started"/> or to <see cref="Failed"/>.</param>
    public FrontSocket(EventLoop loop, Reaper reaper, string path, Action<FrontSocket> start)
    {
        (_loop, _reaper, _path) = (loop, reaper, path);
        PathCalls.TryUnlink(path);
        _listener = UnixSocket.Listen(SOCK_STREAM | SOCK_NONBLOCK, path, Backlog);
        _watch = loop.Add(_listener.Number, EpollEvents.EPOLLIN, _ =>
        {
            _watch!.Change(EpollEvents.None);
            start(this);
        });
    }

    public Fd Listener => _listener;

    /// <summary>The front runs.</summary>
    /// <param name="disconnect">Closes our link to it, more than once.</param>
    public void Started(LaunchedProcess front, Action disconnect)
    {
        (_front, _disconnect) = (front.Pidfd, disconnect);
        _reaper.WatchExit(front.Pidfd, status => Ended(front.Pidfd, status));
        if (_disposed) disconnect(); // it exits then
    }

    /// <summary>No front could be started: those who wait for one see their connections closed.</summary>
    public void Failed()
    {
        if (_disposed) return;
        while (UnixSocket.TryAccept(_listener) is { } connection) connection.Dispose();
        AwaitLater();
    }

    /// <summary>Kills the front and waits for its exit: before our executable is replaced, which could not reap it.</summary>
    public void StopFront()
    {
        if (_front is not { IsClosed: false } front) return;
        front.TrySignal(Signal.SIGKILL);
        if (front.WaitForExit(KillTimeout)) front.TryReap();
    }

    /// <summary>Stops listening. A front that runs exits by itself, and is reaped.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _disconnect?.Invoke();
        _watch.Dispose();
        _listener.Dispose();
        PathCalls.TryUnlink(_path); // the bundle may be gone, and this with it
    }

    private void Ended(Pidfd front, ExitStatus? status)
    {
        front.Dispose();
        _front = null;
        _disconnect?.Invoke();
        _disconnect = null;
        if (_disposed) return;
        if (status is { Code: 0 }) Await();
        else AwaitLater(); // one that crashes at once must not be started without a pause
    }

    private void AwaitLater() =>
        Task.Delay(AfterFailure).ContinueWith(_ => _loop.Post(Await), TaskScheduler.Default);

    private void Await()
    {
        if (!_disposed) _watch.Change(EpollEvents.EPOLLIN);
    }
}
