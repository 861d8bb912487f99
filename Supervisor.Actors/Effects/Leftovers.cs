using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Actors.Effects;

/// <summary>
/// What a crash left orphaned: bundles with their cgroups, processes of a shim, and FIFOs of killed clients. Searched once,
/// after the journal has been read and before the daemon accepts commands.
/// </summary>
public static class Leftovers
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Removes what no task in the directory owns.</summary>
    /// <param name="log">Called for each, and for what cannot be removed: that is left for the next start.</param>
    /// <param name="spared">Containers whose processes stay.</param>
    public static void Remove(
        IContainerRuntime runtime, ContainerDirectory directory, string state, IReadOnlySet<ContainerId> spared,
            Action<string> log)
    {
        using var deadline = new CancellationTokenSource(Timeout);
        IReadOnlyCollection<string> keys = [];
        try
        {
            keys = runtime.Keys(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            log($"the shim does not answer within {Timeout.TotalSeconds:0} s: its orphaned processes are "
                + "killed at the next start");
        }
        foreach (var key in keys.Where(k => !IsOwned(k, directory, spared)))
        {
            log($"process {key} is orphaned: killing it");
            Try(() => runtime.TearDown(
                key, key.Count('/') == 1 ? BundleOf(state, key) : "", new Dictionary<string, string>(), Timeout), log);
        }
        foreach (var (key, bundle) in Bundles(state).Where(b => !IsOwned(b.Key, directory, spared)))
        {
            log($"{bundle} is orphaned: removing it and its cgroup");
            Try(() => runtime.TearDown(key, bundle, new Dictionary<string, string>(), Timeout), log);
        }
        foreach (var (@namespace, id) in ClientFifos.Containers(state)
            .Where(c => !IsOwned($"{c.Namespace}/{c.Container}", directory, spared)))
            Try(() => ClientFifos.RemoveUnused(state, @namespace, id), log);
    }

    /// <summary>Whether there are containers, or remains of some.</summary>
    public static bool Any(string state) => Bundles(state).Any() || ShimPool.AnyInUse(state);

    /// <summary>Removes everything of a daemon that is dead and will not restart.</summary>
    public static void RemoveAll(string state, Action<string> log)
    {
        foreach (var (_, bundle) in Bundles(state))
            Try(() => Container.TearDown(bundle, new Dictionary<string, string>(), Timeout), log);
    }

    private static IEnumerable<(string Key, string Bundle)> Bundles(string state)
    {
        var bundles = Path.Join(state, "bundles");
        if (!Directory.Exists(bundles)) return [];
        return Directory.GetDirectories(bundles).SelectMany(Directory.GetDirectories)
            .Select(d => d.EndsWith(".removed", StringComparison.Ordinal) ? d[..^".removed".Length] : d).Distinct()
            .Select(d => ($"{Path.GetFileName(Path.GetDirectoryName(d))}/{Path.GetFileName(d)}", d));
    }

    private static string BundleOf(string state, string key) => Path.Join(state, "bundles", key);

    private static bool IsOwned(string key, ContainerDirectory directory, IReadOnlySet<ContainerId> spared)
    {
        var parts = key.Split('/');
        try
        {
            var id = ContainerId.Parse(parts[0], parts[1]);
            if (spared.Contains(id) || directory.Damaged.ContainsKey(id)) return true;
            var entry = directory.Find(id);
            return entry is not null
                && (parts.Length == 2 ? entry.Task.State is TaskState.Present : entry.Execs.ContainsKey(parts[2])
                || ServiceExecs.IsId(parts[2]));
        }
        catch (InvalidFieldException)
        {
            return false; // not one of our names
        }
    }

    private static void Try(Action remove, Action<string> log)
    {
        try
        {
            remove();
        }
        catch (Exception e) when (
            e is IOException or TimeoutException or UnauthorizedAccessException or InvalidOperationException)
        {
            log(e.Message);
        }
    }
}
