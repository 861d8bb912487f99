using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Appends to a log file, which becomes the latest of the former files when the next bytes would make it too large. A line
/// that comes whole, and is no longer than a file, stays whole. The renames leave a gap in the numbers at worst, whenever we die.
/// </summary>
public sealed class RotatingLog : IDisposable
{
    private readonly LogTarget _target;
    private readonly Action<Exception> _onError;
    private Fd? _file;
    private long _size;
    private bool _failing;

    /// <param name="target">Without a <see cref="LogTarget.MaxSize"/> it is one file that grows.</param>
    /// <param name="onError">Told when it cannot be written, once until it can again.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public RotatingLog(LogTarget target, Action<Exception> onError)
    {
        (_target, _onError) = (target, onError);
        PrivateFiles.MakeDirectory(Path.GetDirectoryName(target.Path)!);
        Open();
    }

    /// <summary>Where it is, and its limits.</summary>
    public LogTarget Target => _target;

    /// <summary>As of a descriptor that does not block.</summary>
    /// <returns>How many bytes; null where it takes none now, because the disk is full or worse: then it is tried again
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
            _size += written ?? 0;
            _failing = false;
            return written;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) _onError(new IOException($"log {_target.Path}: {e.Message}; its container waits", e));
            _failing = true;
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

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
                var from = number == 0 ? _target.Path : _target.Former(number);
                if (File.Exists(from)) File.Move(from, _target.Former(number + 1), overwrite: true);
            }
        }
        _file?.Dispose();
        _file = null;
        Open();
    }

    private void Open()
    {
        // O_NONBLOCK: a FIFO that somebody put there is not waited for.
        _file = Fd.Open(_target.Path,
            OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY,
            0x180 /* 0600 */);
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(_file.Number, ownsHandle: false);
        _size = FileStatus.Of(_file).IsRegular ? RandomAccess.GetLength(handle) : 0;
    }
}
