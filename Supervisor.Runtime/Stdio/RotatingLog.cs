using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Appends to a log file, which is rotated when the next bytes would make it too large. A line that arrives whole, and fits into
/// a file, is not split. If we are killed during the renames, they leave at worst a gap in the numbers. A log of records
/// (<see cref="LogFormat.Cri"/>) has whole records only: what a full disk or a kill leaves of one is removed before the next.
/// </summary>
public sealed class RotatingLog : IDisposable
{
    private readonly LogTarget _target;
    private readonly Action<Exception> _onError;
    private Fd? _file;
    private long _size;
    private bool _failing;
    private int _users = 1;

    /// <param name="target">Without a <see cref="LogTarget.MaxSize"/> the one file grows.</param>
    /// <param name="onError">Receives a write failure, once until a write succeeds again.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public RotatingLog(LogTarget target, Action<Exception> onError)
    {
        (_target, _onError) = (target, onError);
        PrivateFiles.MakeDirectory(Path.GetDirectoryName(target.Path)!);
        Open();
    }

    /// <summary>Its path and limits.</summary>
    public LogTarget Target => _target;

    /// <summary>Writes like a non-blocking descriptor.</summary>
    /// <returns>How many bytes; null where none can be written now, e.g. because the disk is full: to be retried
    /// later.</returns>
    public int? TryWrite(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_file is null) Open();
            var room = _target.MaxSize is { } most ? (int)Math.Clamp(most - _size, 0, bytes.Length) : bytes.Length;
            if (room < bytes.Length)
                room = bytes[..room].LastIndexOf((byte)'\n') + 1 is > 0 and var lines ? lines : _size > 0 ? 0 : room;
            if (room == 0)
            {
                Rotate();
                return 0;
            }
            var written = _file!.TryWrite(bytes[..room]);
            if (HasRecords && written < room) written = WholeRecords(bytes[..written.Value]);
            _size += written ?? 0;
            _failing = false;
            return written;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) _onError(new IOException($"cannot write log {_target.Path}: {e.Message}; the container waits", e));
            _failing = true;
            return null;
        }
    }

    /// <summary>One more user, which disposes it as well.</summary>
    internal void Share() => Interlocked.Increment(ref _users);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0) _file?.Dispose();
    }

    private bool HasRecords => _target.Format is LogFormat.Cri;

    /// <summary>The length of the records that were written whole; <see cref="Open"/> removes the rest.</summary>
    private int WholeRecords(ReadOnlySpan<byte> written)
    {
        _file!.Dispose();
        _file = null;
        return written.LastIndexOf((byte)'\n') + 1 is > 0 and var whole
            ? whole : throw new IOException($"only {written.Length} bytes of a line can be written (ENOSPC)");
    }

    private void Rotate()
    {
        if (_target.MaxFiles == 1)
        {
            File.Delete(_target.Path);
        }
        else
        {
            for (var number = _target.MaxFiles - 2; number >= 0; number--)
            {
                var from = number == 0 ? _target.Path : _target.RotatedFile(number);
                if (File.Exists(from)) File.Move(from, _target.RotatedFile(number + 1), overwrite: true);
            }
        }
        _file?.Dispose();
        _file = null;
        Open();
    }

    private void Open()
    {
        // O_NONBLOCK: does not block if a FIFO is in its place.
        _file = Fd.Open(_target.Path,
            (HasRecords ? OpenFlags.O_RDWR : OpenFlags.O_WRONLY)
            | OpenFlags.O_APPEND | OpenFlags.O_CREAT | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY,
            0x180 /* 0600 */);
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(_file.Number, ownsHandle: false);
        _size = FileStatus.Of(_file).IsRegular ? RandomAccess.GetLength(handle) : 0;
        if (HasRecords && _size > 0) RemovePartOfRecord(handle);
    }

    private void RemovePartOfRecord(Microsoft.Win32.SafeHandles.SafeFileHandle file)
    {
        var last = new byte[Math.Min(_size, CriRecord.HeaderLength + CriRecord.MostContent + 1)];
        var end = last.AsSpan(0, RandomAccess.Read(file, last, _size - last.Length)).LastIndexOf((byte)'\n') + 1;
        if (end == last.Length || end == 0 && last.Length < _size) return; // whole, or no log of ours
        _size -= last.Length - end;
        RandomAccess.SetLength(file, _size);
    }
}
