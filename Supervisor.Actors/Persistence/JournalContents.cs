namespace Supervisor.Actors.Persistence;

/// <summary>
/// What the journal holds that is no single container's: for those who must decide what to do when it is damaged.
/// </summary>
internal static class JournalContents
{
    /// <summary>What an actor's rows hold.</summary>
    public static string Of(string persistenceId) => persistenceId switch
    {
        "containers" => "which containers there are",
        "namespaces" => "the namespaces with their labels",
        "leases" => "all leases",
        "metadata" => "all images, and which content and snapshots there are",
        "client-events" => "events that clients have published",
        _ => "what is no single container's",
    };

    /// <summary>
    /// What is lost when they are removed and the rest goes on; null where the rest means nothing without them.
    /// </summary>
    public static string? LossOf(string persistenceId) => persistenceId switch
    {
        "namespaces" => "all namespaces with their labels; each is made again, without labels, when something is made in it",
        "leases" => "all leases; what only they held is collected",
        "metadata" => "all images, and what was known of content and snapshots: import or pull them again",
        "client-events" => "events that clients have published and the history had yet to get",
        _ => null,
    };
}
