using System.Buffers;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Copies bytes from one descriptor to another through a bounded buffer, at the pace of the slower side; or into a log; or to
/// both, at the pace of the destination: the log then misses what it cannot take. Once a reader has detached
/// (<see cref="DetachedFifo"/>), the pump continues with the log, or discards.
/// </summary>
/// <remarks>The descriptors are non-blocking; the pump owns them and the log.</remarks>
internal sealed class Pump
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private readonly Fd _source;
    private Fd? _destination; // null: only the log
    private readonly LogStream? _log;
    private Timer? _retryTimer; // for a log whose disk is full
    private byte[]? _buffer; // pooled, and held only while it has bytes: an idle pump costs nothing
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly EventLoop _loop;
    private EventLoop.Watch? _reading; // null while there is something to write: epoll would report a hang-up again and again
    private EventLoop.Watch? _writing; // null for a regular file, which never makes its writer wait: epoll_ctl(2), EPERM
    private int _start, _count;
    private bool _holds; // what the buffer has is the begin of a line, and the log waits for the rest
    private readonly Lock _gate = new(); // between the loop's thread and the callers of EndWhenEmpty and Stop
    private bool _endWhenEmpty, _closed;

    /// <param name="pending">What an earlier pump had read and not yet written.</param>
    /// <param name="destination">Null for none: then there is a log.</param>
    /// <param name="log">Null for none. It holds the pump up only if it cannot be written and there is no destination.</param>
    public Pump(EventLoop loop, Fd source, Fd? destination, LogStream? log, ReadOnlySpan<byte> pending = default)
    {
        (_loop, _source, _destination, _log) = (loop, source, destination, log);
        if (!pending.IsEmpty)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(Capacity, pending.Length));
            pending.CopyTo(_buffer);
            _count = pending.Length;
        }
        // A callback waits until both watches are set: epoll reports a hang-up for any event mask (epoll_ctl(2)).
        lock (_gate)
        {
            if (destination is not null) _writing = loop.TryAdd(destination.Number, EpollEvents.None, OnWritable);
            _reading = loop.Add(source.Number, EpollEvents.EPOLLIN, OnReadable);
            if (_count > 0) Write();
        }
    }

    private const int Capacity = 64 << 10;

    /// <summary>The destination beside a log.</summary>
    public Fd? Destination => _destination;

    /// <summary>
    /// Stops the pump and returns what it has read and not yet written, for the pump that continues.
    /// </summary>
    public byte[] Stop()
    {
        lock (_gate)
        {
            var pending = _buffer is null ? [] : _buffer.AsSpan(_start, _count).ToArray();
            if (!_closed)
            {
                _reading?.Dispose();
                _writing?.Dispose();
                _retryTimer?.Dispose();
                _log?.Dispose();
            }
            _closed = true;
            return pending;
        }
    }

    /// <summary>Whether <see cref="EndWhenEmpty"/> was called.</summary>
    public bool Ending => _endWhenEmpty;

    /// <summary>Whether it has ended, so that there is nothing to hand over.</summary>
    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Completes when the source is at end of file and all is written, or either side broke.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether it ended because the destination has no reader any more.</summary>
    public bool Broke { get; private set; }

    /// <summary>Ends when a read would block: what the writers have sent so far is still copied.</summary>
    public void EndWhenEmpty()
    {
        lock (_gate)
        {
            _endWhenEmpty = true;
            OnReadable(EpollEvents.None); // epoll may never report it readable again
        }
    }

    /// <summary>Ends it immediately.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _reading?.Dispose();
            _writing?.Dispose();
            _retryTimer?.Dispose();
            _source.Dispose();
            _destination?.Dispose();
            _log?.Dispose();
            _count = 0;
            Release();
        }
        _ended.TrySetResult();
    }

    private void Break()
    {
        Broke = true;
        Close();
    }

    private void OnReadable(EpollEvents events)
    {
        lock (_gate)
        {
            if (!_closed && (_count == 0 || _holds)) Read();
        }
    }

    private void OnWritable(EpollEvents events)
    {
        lock (_gate)
        {
            if (_closed) return;
            if (_count > 0) Write();
            else if ((events & (EpollEvents.EPOLLERR | EpollEvents.EPOLLHUP)) != 0) ReaderClosed();
        }
    }

    /// <summary>The destination has no reader. If that detached, the log or the null device replaces it.</summary>
    private void ReaderClosed()
    {
        if (_destination is not { } left || !DetachedFifo.Is(left))
        {
            Break();
            return;
        }
        _writing?.Dispose();
        _writing = null;
        _destination = _log is null ? Fd.Open("/dev/null", OpenFlags.O_WRONLY) : null;
        left.Dispose();
        if (_count > 0) Write();
    }

    private void Read()
    {
        try
        {
            _buffer ??= ArrayPool<byte>.Shared.Rent(Capacity);
            var held = _count;
            switch (_source.TryRead(_buffer.AsSpan(held)))
            {
                case null:
                    if (held > 0) Write(isRest: true);
                    if (_count > 0) return;
                    Release();
                    if (_endWhenEmpty) Close();
                    return;
                case 0:
                    End();
                    return;
                case { } count:
                    (_start, _count) = (0, held + count);
                    Write();
                    return;
            }
        }
        catch (SyscallException e) when (e.Errno is Errno.EIO)
        {
            End(); // a terminal's last slave was closed: end of file
        }
    }

    /// <summary>The source has ended. If the log cannot take the last line now, the end is seen again when it can.</summary>
    private void End()
    {
        if (_count > 0) Write(isRest: true);
        if (_count == 0) Close();
    }

    /// <summary>Whether the rest of an incomplete last line can be read.</summary>
    private unsafe bool HasRestOf(ReadOnlySpan<byte> bytes)
    {
        int unread;
        return bytes[^1] != (byte)'\n' && ioctl(_source.Number, FIONREAD, &unread) == 0 && unread > 0;
    }

    private void Release()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    /// <param name="isRest">Whether an incomplete last line is written as it is.</param>
    private void Write(bool isRest = false)
    {
        _holds = false;
        try
        {
            while (_count > 0 && !_holds)
            {
                var bytes = _buffer.AsSpan(_start, _count);
                var written = _destination is null
                    ? _log!.TryWrite(bytes, more: !isRest && HasRestOf(bytes)) : _destination.TryWrite(bytes);
                if (written is null) break;
                _holds = written == 0;
                if (_destination is not null && _log is not null) Note(bytes[..written.Value]);
                (_start, _count) = (_start + written.Value, _count - written.Value);
            }
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.EIO)
        {
            ReaderClosed();
            return;
        }
        if (_count == 0) Release();
        if (_holds)
        {
            _buffer.AsSpan(_start, _count).CopyTo(_buffer);
            _start = 0;
        }
        var isBlocked = _count > 0 && !_holds;
        if (isBlocked)
        {
            _reading?.Dispose();
            _reading = null;
        }
        else
        {
            _reading ??= _loop.Add(_source.Number, EpollEvents.EPOLLIN, OnReadable);
        }
        _writing?.Change(isBlocked ? EpollEvents.EPOLLOUT : EpollEvents.None);
        if (_destination is null && isBlocked)
            (_retryTimer ??= new Timer(_ => OnWritable(EpollEvents.EPOLLOUT))).Change(RetryInterval, Timeout.InfiniteTimeSpan);
        if (!isBlocked && _endWhenEmpty && !isRest) Read();
    }

    private void Note(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && _log!.TryWrite(bytes) is { } noted) bytes = bytes[noted..];
    }
}
