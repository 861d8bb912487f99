namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// criu could not do it. A container that was to be written lives on; of one that was to be brought back nothing is left.
/// </summary>
/// <param name="what">What was being done: <c>checkpoint</c>, <c>restore</c>.</param>
/// <param name="reason">Why not: the last errors in criu's log.</param>
/// <param name="log">Where the whole log is; null where criu did not come so far.</param>
public sealed class CheckpointException(string what, string reason, string? log, Exception? inner = null)
    : IOException($"{what}: criu failed: {reason}{(log is null ? "" : $"; log file: {log}")}", inner)
{
    private static readonly string[] Probed = ["RLIMIT_NOFILE", "Unable to create tun"];

    /// <summary>criu's log; null where there is none.</summary>
    public string? Log { get; } = log;

    /// <summary>Not every process could be stopped in time. All go on.</summary>
    internal bool NotStopped { get; private init; }

    /// <summary>With the last errors of the log in it.</summary>
    internal static CheckpointException Of(string what, string reason, string log)
    {
        const int Kept = 12; // the first of them is the cause, and what to do stands with it
        try
        {
            // What criu probes for itself and does without: its limit on open files, a tun device.
            var errors = File.ReadLines(log)
                .Where(l => l.Contains("Error (", StringComparison.Ordinal)
                && !Probed.Any(p => l.Contains(p, StringComparison.Ordinal)))
                .TakeLast(Kept).Select(l => l[l.IndexOf("Error (", StringComparison.Ordinal)..].Trim()).ToList();
            // its answer is the first of them, which may be one that it lives with
            if (errors.Count > 0) reason = string.Join("; ", errors);
            var notStopped = errors.Any(e => e.Contains("Timeout reached", StringComparison.Ordinal));
            if (notStopped) reason += "; a process could not be stopped: it waits in the kernel, as in vfork(2) for a child "
                + "that has not executed yet: try again later";
            return new CheckpointException(what, reason, log) { NotStopped = notStopped };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckpointException(what, reason, null, e);
        }
    }
}
