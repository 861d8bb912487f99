using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// What the journal holds beyond single containers: for operators who must decide what to do when it is damaged.
/// </summary>
internal static class JournalContents
{
    /// <summary>What an actor's rows hold.</summary>
    public static string Of(string persistenceId) => persistenceId switch
    {
        Registry => "which containers there are",
        "namespaces" => "the namespaces with their labels",
        "leases" => "all leases",
        "metadata" => "all images, and which content and snapshots there are",
        "client-events" => "events that clients have published",
        _ => "data of more than one container",
    };

    /// <summary>
    /// The actor whose rows say which containers there are. They can be rebuilt from the containers' own.
    /// </summary>
    public const string Registry = "containers";

    /// <summary>What is lost when they are removed and the rest is kept.</summary>
    public static string LossOf(string persistenceId) => persistenceId switch
    {
        Registry => "nothing: it is rebuilt from the containers' own rows",
        "namespaces" => "all namespaces with their labels; each is recreated, without labels, when something is created in it",
        "leases" => "all leases; what only they kept is collected",
        "metadata" => "all images, and what was known of content and snapshots: import or pull them again",
        "client-events" => "events that clients published and that were not in the history yet",
        "events" => "events of the history from before its present format",
        _ => "nothing: no part of the daemon has rows of that name",
    };

    /// <summary>Whether nothing is lost when they are removed: a damaged name, or the registry.</summary>
    public static bool IsDispensable(string persistenceId) => persistenceId is Registry
        || (persistenceId is not ("namespaces" or "leases" or "metadata" or "client-events" or "events")
            && PersistenceIds.TryContainer(persistenceId) is null);
}
