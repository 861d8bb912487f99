using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;

namespace Supervisor.Kernel.Processes;

/// <summary>
/// The only reader of exits: one thread, one epoll over pidfds and OOM notifiers. It calls the watcher on that thread, which
/// must pass the event on and return.
/// </summary>
public sealed class Reaper : IDisposable
{
    private static readonly TimeSpan LaterDeadline = TimeSpan.FromSeconds(2);
    private readonly EventLoop _loop;
    private readonly bool _ownsLoop;

    /// <param name="onError">Called with the exception of a watcher.</param>
    public Reaper(Action<Exception> onError) : this(new EventLoop("reaper", onError)) => _ownsLoop = true;

    /// <param name="loop">Shared; its owner disposes of it.</param>
    internal Reaper(EventLoop loop) => _loop = loop;

    /// <summary>Calls back once when a process has exited, and reaps it if it is our child.</summary>
    /// <param name="pidfd">Stays open until then, or until the watch is disposed.</param>
    /// <param name="onExit">The status; null where it cannot be read: not our child, on a kernel before 6.15.</param>
    /// <param name="beforeReap">Called with our child's status while the kernel still keeps it: if we crash now, its new parent
    /// can read it.</param>
    public IDisposable WatchExit(Pidfd pidfd, Action<ExitStatus?> onExit, Action<ExitStatus, ProcessUsage>? beforeReap = null)
    {
        EventLoop.Watch? watch = null;
        var registered = new ManualResetEventSlim();
        watch = _loop.Add(pidfd.Number, EpollEvents.EPOLLIN, ready =>
        {
            registered.Wait(); // for the assignment below: the process may have exited before the watch
            watch!.Dispose();
            if (!TryCollect()) _ = CollectLater(pidfd, TryCollect, onExit);
        });
        registered.Set();
        return watch;

        bool TryCollect()
        {
            if (beforeReap is not null && pidfd.TryPeek(out var usage) is { } peeked) beforeReap(peeked, usage);
            if ((pidfd.TryReap() ?? pidfd.TryReadExit()) is not { } status) return false;
            onExit(status);
            return true;
        }
    }

    /// <summary>
    /// Calls back each time that a descriptor is ready: for what announces exits, such as an OOM notifier.
    /// </summary>
    /// <param name="priority">Whether to wait for EPOLLPRI instead of EPOLLIN. epoll_ctl(2).</param>
    public IDisposable Watch(Fd fd, bool priority, Action onReady)
    {
        ArgumentNullException.ThrowIfNull(fd);
        return _loop.Add(fd.Number, priority ? EpollEvents.EPOLLPRI : EpollEvents.EPOLLIN, _ => onReady());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsLoop) _loop.Dispose();
    }

    /// <summary>
    /// The kernel has the status of a process that is not our child only after its parent reaped it; and we can reap our own only
    /// after its tracer (criu, a debugger) detached. If the parent never reaps it, the zombie's /proc/PID/stat has the status.
    /// </summary>
    private async Task CollectLater(Pidfd pidfd, Func<bool> tryCollect, Action<ExitStatus?> onExit)
    {
        for (var wait = 1; wait < LaterDeadline.TotalMilliseconds; wait *= 2)
        {
            await Task.Delay(wait).ConfigureAwait(false);
            var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _loop.Post(() =>
            {
                var over = true; // also when a watcher throws, which the loop reports
                try
                {
                    over = pidfd.IsClosed || tryCollect();
                }
                finally
                {
                    done.SetResult(over);
                }
            });
            if (await done.Task.ConfigureAwait(false)) return;
        }
        onExit(pidfd.IsClosed ? null : pidfd.TryReadUncollected());
    }
}
