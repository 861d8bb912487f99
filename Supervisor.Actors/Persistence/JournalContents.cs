using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// What the journal holds beyond single containers: for operators who must decide what to do when it is damaged.
/// </summary>
internal static class JournalContents
{
    /// <summary>
    /// The actor whose rows say which containers there are. They can be rebuilt from the containers' own.
    /// </summary>
    public const string Registry = "containers";

    private const string Other = "data of more than one container";

    private static readonly Dictionary<string, (string Holds, string Loss)> Known = new(StringComparer.Ordinal)
    {
        [Registry] = ("which containers there are", "nothing: it is rebuilt from the containers' own rows"),
        ["namespaces"] = ("the namespaces with their labels",
            "all namespaces with their labels; each is recreated, without labels, when something is created in it"),
        ["leases"] = ("all leases", "all leases; what only they kept is collected"),
        ["metadata"] = ("all images, and which content and snapshots there are",
            "all images, and what was known of content and snapshots: import or pull them again"),
        ["client-events"] = ("events that clients have published",
            "events that clients published and that were not in the history yet"),
        ["events"] = (Other, "events of the history from before its present format"),
    };

    /// <summary>What an actor's rows hold.</summary>
    public static string Of(string persistenceId) => Known.TryGetValue(persistenceId, out var known) ? known.Holds : Other;

    /// <summary>What is lost when they are removed and the rest is kept.</summary>
    public static string LossOf(string persistenceId) => Known.TryGetValue(persistenceId, out var known)
        ? known.Loss : "nothing: no part of the daemon has rows of that name";

    /// <summary>Whether nothing is lost when they are removed: a damaged name, or the registry.</summary>
    public static bool IsDispensable(string persistenceId) => persistenceId is Registry
        || (!Known.ContainsKey(persistenceId) && PersistenceIds.TryContainer(persistenceId) is null);
}
