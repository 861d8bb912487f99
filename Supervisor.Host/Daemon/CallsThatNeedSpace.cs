using System.Collections.Frozen;

namespace Supervisor.Host.Daemon;

/// <summary>
/// The calls that start something new, or store more. While the journal's disk is full they are refused, so that the remaining
/// space is left for exits, kills and deletes.
/// </summary>
internal static class CallsThatNeedSpace
{
    private static readonly FrozenSet<string> Methods = new[]
    {
        "containers.v1.Containers/Create", "containers.v1.Containers/Update",
        "tasks.v1.Tasks/Create", "tasks.v1.Tasks/Start", "tasks.v1.Tasks/Exec", "tasks.v1.Tasks/Checkpoint",
        "images.v1.Images/Create", "images.v1.Images/Update", "content.v1.Content/Write", "content.v1.Content/Update",
        "snapshots.v1.Snapshots/Prepare", "snapshots.v1.Snapshots/View", "snapshots.v1.Snapshots/Commit",
        "snapshots.v1.Snapshots/Update",
        "diff.v1.Diff/Apply", "diff.v1.Diff/Diff", "namespaces.v1.Namespaces/Create", "namespaces.v1.Namespaces/Update",
        "transfer.v1.Transfer/Transfer", "leases.v1.Leases/Create", "leases.v1.Leases/AddResource",
        "events.v1.Events/Publish", "events.v1.Events/Forward",
    }.Select(m => "/containerd.services." + m).Append("/supervisor.v1.Files/Write").ToFrozenSet(StringComparer.Ordinal);

    /// <param name="path">The method as in a call: <c>/containerd.services.tasks.v1.Tasks/Create</c>.</param>
    public static bool Include(string path) => Methods.Contains(path);

    /// <summary>For a test that each of them exists.</summary>
    internal static IEnumerable<string> All => Methods;
}
