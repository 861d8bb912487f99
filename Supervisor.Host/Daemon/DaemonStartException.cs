using Supervisor.Persistence.Sqlite;

namespace Supervisor.Host.Daemon;

/// <summary>The daemon cannot start, for a reason that the operator can fix; the message says which.</summary>
public sealed class DaemonStartException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether a retry cannot help.</summary>
    public bool IsPermanent => InnerException is JournalUnusableException;
}
