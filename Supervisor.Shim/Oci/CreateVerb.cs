namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>create</c>: everything but the start. We exit; the init keeps waiting at a socket in the container's state directory.
/// </summary>
internal static class CreateVerb
{
    public static readonly Verb Verb = new("create", "ID", "create a container", Creation.Flags, 1, 1, Run) {
        FailurePrefix = "create failed: " };

    private static int Run(Invocation invocation)
    {
        using var creation = Creation.Make(invocation, forAnother: true, detached: true);
        return 0;
    }
}
