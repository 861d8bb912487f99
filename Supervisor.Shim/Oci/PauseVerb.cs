namespace Supervisor.Shim.Oci;

/// <summary><c>pause</c> and <c>resume</c>, with the freezer.</summary>
internal static class PauseVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static readonly Verb Pause = new("pause", "ID", "stop every process of a container until resume", [], 1, 1, Freeze);

    public static readonly Verb Resume = new("resume", "ID", "resume a paused container", [], 1, 1, Thaw);

    private static int Freeze(Invocation invocation)
    {
        using var only = invocation.Store.Lock(invocation.Id);
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        if (live.Status is not ("running" or "created") and var status)
            throw new OciException($"container not running: it is {status}");
        live.Cgroup.Freeze(Patience);
        return 0;
    }

    private static int Thaw(Invocation invocation)
    {
        using var only = invocation.Store.Lock(invocation.Id);
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        if (live.Status is not "paused" and var status) throw new OciException($"container not paused: it is {status}");
        live.Cgroup.Thaw(Patience);
        return 0;
    }
}
