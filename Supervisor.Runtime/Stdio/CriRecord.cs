using System.Text.Unicode;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// A line of a log as Kubernetes' runtimes write it: <c>TIME STREAM TAG CONTENT</c>. The time is RFC 3339 with nine digits, the
/// stream stdout or stderr, the tag F for content that a newline follows in the output, or P for a part that none follows. What
/// is before the content has always the same length.
/// </summary>
public static class CriRecord
{
    /// <summary>The most bytes of a record's content: longer lines are written as parts, as containerd does.</summary>
    public const int MostContent = 16 << 10;

    /// <summary>The bytes of a time.</summary>
    public const int TimeLength = 30;

    private const int StreamLength = 6; // stdout and stderr

    /// <summary>Where the tag is.</summary>
    public const int TagAt = TimeLength + StreamLength + 2;

    /// <summary>The bytes before the content.</summary>
    public const int HeaderLength = TagAt + 2;

    /// <summary>The tag of content that a newline follows.</summary>
    public const byte Full = (byte)'F';

    /// <summary>The tag of content that no newline follows.</summary>
    public const byte Part = (byte)'P';

    /// <summary>Writes a time: as many bytes for each, so that earlier times are also less as bytes.</summary>
    /// <param name="to">At least <see cref="TimeLength"/> bytes.</param>
    public static void WriteTime(Span<byte> to, DateTimeOffset time) =>
        Utf8.TryWrite(to, $"{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fffffff}00Z", out _);

    /// <summary>Writes what is before the content of a record with a newline.</summary>
    internal static void WriteHeader(Span<byte> to, DateTimeOffset time, ReadOnlySpan<byte> stream)
    {
        WriteTime(to, time);
        to[TimeLength] = to[TagAt - 1] = to[TagAt + 1] = (byte)' ';
        stream.CopyTo(to[(TimeLength + 1)..]);
        to[TagAt] = Full;
    }

    /// <summary>Whether a line, without its newline, is a record.</summary>
    public static bool Is(ReadOnlySpan<byte> line) =>
        line.Length >= HeaderLength && line[TimeLength] == ' ' && line[TagAt + 1] == ' ' && line[TagAt] is Full or Part
        && line[TimeLength - 1] == 'Z' && (IsOf(line, "stdout"u8) || IsOf(line, "stderr"u8));

    /// <summary>Whether a record is of the standard error.</summary>
    public static bool IsError(ReadOnlySpan<byte> record) => IsOf(record, "stderr"u8);

    private static bool IsOf(ReadOnlySpan<byte> record, ReadOnlySpan<byte> stream) =>
        record.Slice(TimeLength + 1, StreamLength).SequenceEqual(stream);
}
