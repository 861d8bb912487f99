using System.Buffers;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Moves bytes from one descriptor to another through a bounded buffer, at the pace of the slower side; or into a log; or to
/// both, at the pace of the other descriptor:
/// what the log cannot take then is missing in it. Once a reader has detached (<see cref="DetachedFifo"/>), it goes on with the
/// log, or with nobody.
/// </summary>
/// <remarks>The descriptors are non-blocking, and belong to the pump with the log.</remarks>
internal sealed class Pump
{
    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(1);
    private readonly Fd _source;
    private Fd? _destination; // null: only the log
    private readonly RotatingLog? _log;
    private Timer? _whenFull; // of a log
    private byte[]? _buffer; // rented while there is something in it: an idle pump costs nothing
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly EventLoop _loop;
    private EventLoop.Watch? _reading; // null while there is something to write: a hang-up would be told all the time
    private EventLoop.Watch? _writing; // null for a regular file, which never makes its writer wait: epoll_ctl(2), EPERM
    private int _start, _count;
    private readonly Lock _gate = new(); // between the loop's thread and the two requests of this one pump
    private bool _endWhenEmpty, _closed;

    /// <param name="pending">What a former pump of the two had read and not yet written.</param>
    /// <param name="destination">Null for none: then there is a log.</param>
    /// <param name="log">Null for none. It never makes its writer wait, unless it cannot be written and is all there is.</param>
    public Pump(EventLoop loop, Fd source, Fd? destination, RotatingLog? log, ReadOnlySpan<byte> pending = default)
    {
        (_loop, _source, _destination, _log) = (loop, source, destination, log);
        if (!pending.IsEmpty)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(Capacity, pending.Length));
            pending.CopyTo(_buffer);
            _count = pending.Length;
        }
        // A callback waits until both watches are in place: a hang-up is told even to those who asked for nothing (epoll_ctl(2)).
        lock (_gate)
        {
            if (destination is not null) _writing = loop.TryAdd(destination.Number, EpollEvents.None, OnWritable);
            _reading = loop.Add(source.Number, EpollEvents.EPOLLIN, OnReadable);
            if (_count > 0) Write();
        }
    }

    private const int Capacity = 64 << 10;

    /// <summary>Where it writes to, beside a log.</summary>
    public Fd? Destination => _destination;

    /// <summary>
    /// What was read and is not yet written: for one who takes the pump over. Nothing more is read or written here.
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
                _whenFull?.Dispose();
                _log?.Dispose();
            }
            _closed = true;
            return pending;
        }
    }

    /// <summary>What <see cref="EndWhenEmpty"/> has asked for.</summary>
    public bool Ending => _endWhenEmpty;

    /// <summary>Whether it has ended, so that there is nothing to hand over.</summary>
    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Completes when the source has ended and all of it is written, or either side broke.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether it has ended because nobody takes what it writes any more.</summary>
    public bool Broke { get; private set; }

    /// <summary>Ends once nothing more can be read at once: what the writers have sent so far still goes through.</summary>
    public void EndWhenEmpty()
    {
        lock (_gate)
        {
            _endWhenEmpty = true;
            OnReadable(EpollEvents.None); // nothing may ever become readable again to tell us
        }
    }

    /// <summary>Ends now.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _reading?.Dispose();
            _writing?.Dispose();
            _whenFull?.Dispose();
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
            if (!_closed && _count == 0) Read();
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

    /// <summary>Nobody will read again. Of one who detached, the log or the null device takes the place.</summary>
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
            switch (_source.TryRead(_buffer))
            {
                case null:
                    Release();
                    if (_endWhenEmpty) Close();
                    return;
                case 0:
                    Close();
                    return;
                case { } count:
                    (_start, _count) = (0, count);
                    Write();
                    return;
            }
        }
        catch (SyscallException e) when (e.Errno is Errno.EIO)
        {
            Close(); // a terminal's last slave was closed: its end of file
        }
    }

    private void Release()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    private void Write()
    {
        try
        {
            while (_count > 0)
            {
                var bytes = _buffer.AsSpan(_start, _count);
                var written = _destination is null ? _log!.TryWrite(bytes) : _destination.TryWrite(bytes);
                if (written is null) break;
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
        if (_count > 0)
        {
            _reading?.Dispose();
            _reading = null;
        }
        else
        {
            _reading ??= _loop.Add(_source.Number, EpollEvents.EPOLLIN, OnReadable);
        }
        _writing?.Change(_count > 0 ? EpollEvents.EPOLLOUT : EpollEvents.None);
        if (_destination is null && _count > 0)
            (_whenFull ??= new Timer(_ => OnWritable(EpollEvents.EPOLLOUT))).Change(FullFor, Timeout.InfiniteTimeSpan);
        if (_count == 0 && _endWhenEmpty) Read();
    }

    private void Note(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && _log!.TryWrite(bytes) is { } noted) bytes = bytes[noted..];
    }
}
