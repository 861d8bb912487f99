namespace Supervisor.Actors.Persistence;

/// <summary>
/// What a daemon does with running containers that are not in its journal, when the journal is not the one they were written
/// to: missing, another root's, older, or truncated. Such a journal does not prove that a container is orphaned.
/// </summary>
public enum JournalMismatch
{
    /// <summary>The daemon does not start, and says why and what to do.</summary>
    Refuse,

    /// <summary>They are adopted, from the shim's records.</summary>
    Adopt,

    /// <summary>They are killed and removed.</summary>
    Forget,
}
