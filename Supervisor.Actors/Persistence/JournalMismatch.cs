namespace Supervisor.Actors.Persistence;

/// <summary>
/// What a daemon does with running containers that its journal does not know, when the journal is not the one that they were
/// journalled in:
/// missing, another root's, older, or without its end. That a journal does not name a container is then no proof that nobody owns
/// it.
/// </summary>
public enum JournalMismatch
{
    /// <summary>Does not start, and says why and what to do.</summary>
    Refuse,

    /// <summary>Takes them over, from the shim's records.</summary>
    Adopt,

    /// <summary>Ends and removes them.</summary>
    Forget,
}
