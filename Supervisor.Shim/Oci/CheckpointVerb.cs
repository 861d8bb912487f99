using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary><c>checkpoint</c>: writes a running container to images, with criu(8).</summary>
internal static class CheckpointVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static readonly Verb Verb = new("checkpoint", "ID", "write a running container to images, with criu(8)",
    [
        .. CheckpointFlags.Flags,
        Flag.Switch("leave-running", "leave the container running"),
        Flag.Switch("pre-dump", "write its memory only and leave it running: the parent of a later checkpoint"),
        Flag.Value("page-server", "not supported: memory over the network"),
        Flag.Value("status-fd", "not supported: needs --lazy-pages"),
    ], 1, 1, Run);

    private static int Run(Invocation invocation)
    {
        var arguments = invocation.Arguments;
        foreach (var flag in (string[])["page-server", "status-fd"])
            if (!string.IsNullOrEmpty(arguments.Text(flag)) && arguments.Text(flag) is not "-1")
                throw new OciException($"--{flag}: not supported: all memory is written to the image path; omit the flag");
        using var only = invocation.Store.Lock(invocation.Id);
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        if (live.Status is not ("running" or "paused") and var status)
            throw new OciException($"Container cannot be checkpointed in {status} state");
        var options = CheckpointFlags.Options(invocation) with
        {
            LeaveRunning = arguments.IsSet("leave-running"),
            PreDump = arguments.IsSet("pre-dump"),
            ExternalNetwork = live.State.Spec.Linux?.Namespaces.Any(
                n => n.Type is NamespaceKind.Network && !string.IsNullOrEmpty(n.Path)) ?? false,
        };
        using var deadline = new CancellationTokenSource(Patience);
        live.Running().Checkpoint(options, deadline.Token);
        // As in runc, a checkpointed container is removed: its id is free for the restore.
        if (!options.LeaveRunning && !options.PreDump) DeleteVerb.Remove(invocation.Store, invocation.Id, live);
        return 0;
    }
}
