using Supervisor.Persistence.Sqlite;

namespace Supervisor.Host.Daemon;

/// <summary>The daemon cannot start, for a reason that its operator can remove; the message says which.</summary>
public sealed class DaemonStartException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether it will be so however often it is tried.</summary>
    public bool Stays => InnerException is JournalUnusableException;
}
