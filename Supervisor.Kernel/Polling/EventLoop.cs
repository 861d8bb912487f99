using System.Collections.Concurrent;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Polling;

/// <summary>The events of epoll. epoll_ctl(2).</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    EPOLLIN = 1,
    EPOLLPRI = 2,
    EPOLLOUT = 4,
    EPOLLERR = 8,
    EPOLLHUP = 16,
}

/// <summary>
/// One thread with one epoll that calls back when a descriptor is ready. Callbacks must not block; an exception is reported and
/// the watch removed, so that one broken watch never stops the others.
/// </summary>
internal sealed unsafe class EventLoop : IDisposable
{
    private const int Batch = 64;

    private readonly Fd _epoll;
    private readonly EventFd _wake = new();
    private readonly ConcurrentDictionary<long, Watch> _watches = new();
    private readonly Action<Exception> _onError;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private long _lastKey;
    private volatile bool _stopping;

    /// <param name="name">The thread's.</param>
    /// <param name="onError">Called with the exception of a callback.</param>
    public EventLoop(string name, Action<Exception> onError)
    {
        _onError = onError;
        var epoll = epoll_create1(EPOLL_CLOEXEC);
        _epoll = epoll >= 0 ? new Fd(epoll) : throw new SyscallException("epoll_create1", Errno.Last);
        Add(_wake.Fd.Number, EpollEvents.EPOLLIN, _ => _wake.Drain());
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Watches a descriptor, level-triggered, until the watch is disposed. The descriptor must outlive it.</summary>
    public Watch Add(int fd, EpollEvents events, Action<EpollEvents> onReady)
    {
        var watch = new Watch(this, Interlocked.Increment(ref _lastKey), fd, onReady);
        _watches[watch.Key] = watch;
        try
        {
            Control(EPOLL_CTL_ADD, fd, events, watch.Key);
        }
        catch
        {
            _watches.TryRemove(watch.Key, out _);
            throw;
        }
        return watch;
    }

    /// <summary>
    /// As <see cref="Add"/>, with null for what epoll cannot watch because it is always ready: a regular file (EPERM).
    /// </summary>
    public Watch? TryAdd(int fd, EpollEvents events, Action<EpollEvents> onReady)
    {
        try
        {
            return Add(fd, events, onReady);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPERM)
        {
            return null;
        }
    }

    /// <summary>Runs an action on the loop's thread, after those posted before it.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (!_stopping && !IsCurrent) _wake.Signal();
    }

    /// <summary>Whether this is the loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    private void RunPosted()
    {
        while (!_stopping && _posted.TryDequeue(out var action))
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                _onError(e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        _wake.Signal();
        if (Thread.CurrentThread != _thread) _thread.Join(TimeSpan.FromSeconds(5));
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        var ready = stackalloc epoll_event[Batch]; // packed on x86-64 only
        while (!_stopping)
        {
            var count = epoll_wait(_epoll.Number, ready, Batch, -1);
            for (var i = 0; i < count && !_stopping; i++)
            {
                if (!_watches.TryGetValue((long)ready[i].data.u64, out var watch)) continue; // removed since it became ready
                try
                {
                    watch.OnReady((EpollEvents)ready[i].events);
                }
                catch (Exception e)
                {
                    watch.Dispose();
                    _onError(e);
                }
            }
            RunPosted();
        }
    }

    private void Control(int operation, int fd, EpollEvents events, long key)
    {
        var entry = new epoll_event { events = (int)events };
        entry.data.u64 = (ulong)key;
        if (epoll_ctl(_epoll.Number, operation, fd, &entry) != 0)
            throw new SyscallException("epoll_ctl", Errno.Last, $"descriptor {fd}");
    }

    /// <summary>One watched descriptor. Disposing it stops the callbacks, except one that is running.</summary>
    internal sealed class Watch(EventLoop loop, long key, int fd, Action<EpollEvents> onReady) : IDisposable
    {
        public long Key => key;

        public Action<EpollEvents> OnReady => onReady;

        /// <summary>
        /// Waits for other events from now on; with none, only for errors and hang-ups, which epoll always reports.
        /// </summary>
        public void Change(EpollEvents events) => loop.Control(EPOLL_CTL_MOD, fd, events, key);

        public void Dispose()
        {
            // Before the descriptor is closed: its copy in a child between clone and exec would keep the registration alive.
            if (loop._watches.TryRemove(key, out _) && !loop._epoll.IsClosed)
                loop.Control(EPOLL_CTL_DEL, fd, EpollEvents.None, 0);
        }
    }
}
