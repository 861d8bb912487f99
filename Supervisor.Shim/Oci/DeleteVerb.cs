using Supervisor.Kernel.Processes;

namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>delete</c>: removes stopped containers and failed creations; with <c>--force</c> any container.
/// </summary>
internal static class DeleteVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static readonly Verb Verb = new("delete", "ID", "delete a stopped container",
        [Flag.Switch("force f", "kill it first; a missing container is no error")], 1, 1, Run);

    private static int Run(Invocation invocation)
    {
        var (store, id, force) = (invocation.Store, invocation.Id, invocation.Arguments.IsSet("force"));
        if (!store.Exists(id))
        {
            if (force) return 0;
            throw new OciException($"container does not exist: \"{id}\"");
        }
        using var only = store.Lock(id);
        using var live = Open(store, id, force);
        if (live is null)
        {
            if (!force) throw new OciException(
                $"container does not exist: container \"{id}\" has no state; remove its remains with --force");
            store.Remove(id);
            return 0;
        }
        if (live.Container is not null)
        {
            if (!force && live.Status is not "created" and var status)
                throw new OciException($"cannot delete container {id} that is not stopped: {status}");
            live.Container.Signal((int)Signal.SIGKILL);
        }
        Remove(store, id, live);
        return 0;
    }

    /// <summary>Removes a stopped container with its state, and runs its poststop hooks.</summary>
    public static void Remove(StateStore store, string id, LiveContainer live)
    {
        Remove(live);
        store.Remove(id);
        PostHooks.AfterEnd(live.State, CancellationToken.None);
    }

    /// <summary>Kills the processes that are left in the cgroup, and removes it.</summary>
    private static void Remove(LiveContainer live)
    {
        var cgroup = live.Cgroup;
        if (cgroup.Exists)
        {
            live.Container?.Wait(Patience);
            if (!cgroup.TryDeleteEmpty())
            {
                cgroup.KillAll(Patience);
                cgroup.Delete(Patience);
            }
        }
        if (live.Container is { HasExited: false } stuck)
            throw new OciException($"process {stuck.Pid} does not die: it is stuck in the kernel");
    }

    /// <summary>With force, an unreadable state counts as missing.</summary>
    private static LiveContainer? Open(StateStore store, string id, bool force)
    {
        try
        {
            return LiveContainer.TryOpen(store, id);
        }
        catch (OciException) when (force)
        {
            return null;
        }
    }
}
