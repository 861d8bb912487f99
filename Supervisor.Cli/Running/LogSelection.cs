using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>Which lines of a log are printed, and how.</summary>
/// <param name="since">None before.</param>
/// <param name="until">None after.</param>
internal sealed class LogSelection(DateTimeOffset? since, DateTimeOffset? until)
{
    /// <summary>The whole log, as it was written.</summary>
    public static LogSelection All { get; } = new(null, null);

    private readonly byte[]? _since = Bytes(since), _until = Bytes(until);

    /// <summary>See the constructor.</summary>
    public DateTimeOffset? Until => until;

    /// <summary>Whether each line begins with its time.</summary>
    public bool WithTimes { get; init; }

    /// <summary>Whether each record is printed as a JSON object.</summary>
    public bool AsJson { get; init; }

    /// <summary>Whether a time, as a record has it, is before those that are wanted.</summary>
    public bool IsBefore(ReadOnlySpan<byte> time) => _since is not null && time.SequenceCompareTo(_since) < 0;

    /// <summary>Whether it is after those that are wanted.</summary>
    public bool IsAfter(ReadOnlySpan<byte> time) => _until is not null && time.SequenceCompareTo(_until) > 0;

    private static byte[]? Bytes(DateTimeOffset? time)
    {
        if (time is null) return null;
        var bytes = new byte[CriRecord.TimeLength];
        CriRecord.WriteTime(bytes, time.Value);
        return bytes;
    }
}
