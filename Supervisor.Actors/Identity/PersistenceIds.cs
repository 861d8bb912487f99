namespace Supervisor.Actors.Identity;

/// <summary>
/// Names of actors in the journal, and back: <c>container-NS/ID</c>, <c>task-NS/ID</c>, <c>exec-NS/ID/EXEC</c>.
/// </summary>
internal static class PersistenceIds
{
    public static string OfContainer(ContainerId id) => $"container-{id}";

    public static string OfTask(ContainerId id) => $"task-{id}";

    public static string OfExec(ExecId id) => $"exec-{id}";

    /// <summary>Of a container or its task.</summary>
    public static ContainerId Container(string persistenceId)
    {
        var parts = Parts(persistenceId);
        return ContainerId.Parse(parts[0], parts[1]);
    }

    /// <summary>The container of a container, task or exec actor; null for any other actor.</summary>
    public static ContainerId? TryContainer(string persistenceId)
    {
        if (persistenceId.Split('-', 2) is not [("container" or "task" or "exec"), _]
            || Parts(persistenceId) is not [var @namespace, var id, ..]) return null;
        return Identifier.IsValid(@namespace) && Identifier.IsValid(id) ? ContainerId.Parse(@namespace, id) : null;
    }

    public static ExecId Exec(string persistenceId)
    {
        var parts = Parts(persistenceId);
        return ExecId.Parse(ContainerId.Parse(parts[0], parts[1]), parts[2]);
    }

    private static string[] Parts(string persistenceId) =>
        persistenceId[(persistenceId.IndexOf('-', StringComparison.Ordinal) + 1)..].Split('/');
}
