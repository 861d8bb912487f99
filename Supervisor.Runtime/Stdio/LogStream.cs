using System.Buffers;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// The standard output or error of a process on its way into a log, which both may share: each line gets the log's format. Its
/// time is the time when it was read.
/// </summary>
public sealed class LogStream : IDisposable
{
    // Below the size of the large object heap; holds the longest record.
    private const int Capacity = 64 << 10;

    private readonly RotatingLog _log;
    private readonly byte[] _name;
    private readonly TimeProvider _clock;
    private int _disposed;

    private LogStream(RotatingLog log, bool isError, TimeProvider clock) =>
        (_log, _name, _clock) = (log, isError ? "stderr"u8.ToArray() : "stdout"u8.ToArray(), clock);

    /// <summary>The standard output's part of a log.</summary>
    /// <param name="onError">Receives a write failure, once until a write succeeds again.</param>
    /// <exception cref="IOException">The log cannot be opened.</exception>
    public static LogStream Open(LogTarget target, Action<Exception> onError, TimeProvider? clock = null) =>
        new(new RotatingLog(target, onError), isError: false, clock ?? TimeProvider.System);

    /// <summary>The standard error's part of the same log.</summary>
    public LogStream ForErrors()
    {
        _log.Share();
        return new LogStream(_log, isError: true, _clock);
    }

    /// <summary>The log's path, limits and format.</summary>
    public LogTarget Target => _log.Target;

    /// <summary>Writes like a non-blocking descriptor.</summary>
    /// <param name="more">Whether the rest of an incomplete last line is about to come: that line is then not written yet, unless
    /// it is long.</param>
    /// <returns>How many bytes were written; 0 if all there is waits for the rest of its line; null where none can be written
    /// now, e.g. because the disk is full: to be retried later.</returns>
    public int? TryWrite(ReadOnlySpan<byte> bytes, bool more = false)
    {
        lock (_log)
        {
            if (_log.Target.Format is LogFormat.Cri) return TryWriteRecords(bytes, more);
            int? written;
            while ((written = _log.TryWrite(bytes)) == 0)
            {
                // It has been rotated.
            }
            return written;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _log.Dispose();
    }

    private int? TryWriteRecords(ReadOnlySpan<byte> bytes, bool more)
    {
        Span<byte> header = stackalloc byte[CriRecord.HeaderLength];
        CriRecord.WriteHeader(header, _clock.GetUtcNow(), _name);
        var records = ArrayPool<byte>.Shared.Rent(Capacity);
        try
        {
            for (var done = 0; ;)
            {
                var (taken, length) = Format(bytes[done..], more, header, records);
                for (var at = 0; at < length;)
                {
                    if (_log.TryWrite(records.AsSpan(at, length - at)) is not { } written)
                    {
                        done += ContentOf(records.AsSpan(0, at));
                        return done > 0 ? done : null;
                    }
                    at += written;
                }
                done += taken;
                if (length == 0) return done;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(records);
        }
    }

    /// <summary>As many lines as fit.</summary>
    /// <returns>How many bytes were taken, and how many their records have.</returns>
    private (int Taken, int Length) Format(ReadOnlySpan<byte> bytes, bool more, ReadOnlySpan<byte> header, Span<byte> records)
    {
        var most = MostContent;
        var (taken, length) = (0, 0);
        while (taken < bytes.Length)
        {
            var rest = bytes[taken..];
            var end = rest[..Math.Min(rest.Length, most + 1)].IndexOf((byte)'\n');
            var content = end >= 0 ? end : Math.Min(rest.Length, most);
            if (end < 0 && more && content == rest.Length && content < most) break;
            if (header.Length + content + 1 > records.Length - length) break;
            header.CopyTo(records[length..]);
            if (end < 0) records[length + CriRecord.TagAt] = CriRecord.Part;
            rest[..content].CopyTo(records[(length + header.Length)..]);
            length += header.Length + content + 1;
            records[length - 1] = (byte)'\n';
            taken += end < 0 ? content : content + 1;
        }
        return (taken, length);
    }

    // A record is never longer than a file.
    private int MostContent => (int)Math.Min(
        CriRecord.MostContent, (_log.Target.MaxSize ?? long.MaxValue) - CriRecord.HeaderLength - 1);

    /// <summary>How many bytes of output are in these records.</summary>
    private static int ContentOf(ReadOnlySpan<byte> records)
    {
        var content = 0;
        for (int length; !records.IsEmpty; records = records[length..])
        {
            length = records.IndexOf((byte)'\n') + 1;
            content += length - CriRecord.HeaderLength - (records[CriRecord.TagAt] == CriRecord.Full ? 0 : 1);
        }
        return content;
    }
}
