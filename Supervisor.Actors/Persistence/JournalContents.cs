namespace Supervisor.Actors.Persistence;

/// <summary>
/// What the journal holds beyond single containers: for operators who must decide what to do when it is damaged.
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
        _ => "data of more than one container",
    };

    /// <summary>What is lost when they are removed and the rest is kept; null where the rest is useless without them.</summary>
    public static string? LossOf(string persistenceId) => persistenceId switch
    {
        "namespaces" => "all namespaces with their labels; each is recreated, without labels, when something is created in it",
        "leases" => "all leases; what only they kept is collected",
        "metadata" => "all images, and what was known of content and snapshots: import or pull them again",
        "client-events" => "events that clients published and that were not in the history yet",
        _ => null,
    };
}
