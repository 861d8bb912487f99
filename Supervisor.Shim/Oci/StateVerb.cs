namespace Supervisor.Shim.Oci;

/// <summary><c>state</c>: prints a container's state.</summary>
internal static class StateVerb
{
    public static readonly Verb Verb = new("state", "ID", "show the state of a container", [], 1, 1, Run);

    private static int Run(Invocation invocation)
    {
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        Streams.Write(StateJson.Of(live) + "\n");
        return 0;
    }
}
