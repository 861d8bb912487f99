namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// criu failed. After a failed checkpoint the container keeps running; a failed restore leaves nothing behind.
/// </summary>
/// <param name="what">The operation: <c>checkpoint</c>, <c>restore</c>.</param>
/// <param name="reason">Why: the last errors in criu's log.</param>
/// <param name="log">The path of the whole log; null where criu wrote none.</param>
public sealed class CheckpointException(string what, string reason, string? log, Exception? inner = null)
    : IOException($"{what}: criu failed: {reason}{(log is null ? "" : $"; log file: {log}")}", inner)
{
    private static readonly string[] Probed = ["RLIMIT_NOFILE", "Unable to create tun"];

    /// <summary>criu could not stop every process in time. All of them keep running.</summary>
    internal bool NotStopped { get; private init; }

    /// <summary>Makes one with the last errors of the log.</summary>
    internal static CheckpointException Of(string what, string reason, string log)
    {
        const int Kept = 12; // the first of them is the cause, with a hint what to do
        try
        {
            // Errors of criu's optional probes are left out: its limit on open files, a tun device.
            var errors = File.ReadLines(log)
                .Where(l => l.Contains("Error (", StringComparison.Ordinal)
                && !Probed.Any(p => l.Contains(p, StringComparison.Ordinal)))
                .TakeLast(Kept).Select(l => l[l.IndexOf("Error (", StringComparison.Ordinal)..].Trim()).ToList();
            // criu's own reply is its first error, which may be one that it tolerates
            if (errors.Count > 0) reason = string.Join("; ", errors);
            var notStopped = errors.Any(e => e.Contains("Timeout reached", StringComparison.Ordinal));
            if (notStopped) reason += "; a process could not be stopped because it waits in the kernel, e.g. in vfork(2) for "
                + "its child's exec: try again later";
            return new CheckpointException(what, reason, log) { NotStopped = notStopped };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckpointException(what, reason, null, e);
        }
    }
}
