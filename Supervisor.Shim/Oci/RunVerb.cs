using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>run</c>: create and start; in the foreground also wait for the end, delete, and end with the container's status.
/// </summary>
internal static class RunVerb
{
    public static readonly Verb Verb = new("run", "ID", "create and run a container",
    [
        .. Creation.Flags,
        Flag.Switch("detach d", "do not wait for the end"),
        Flag.Switch("keep", "do not delete the container after its end"),
        Flag.Switch("no-subreaper", "without effect: we adopt no orphans"),
    ], 1, 1, Run) { FailurePrefix = "run failed: " };

    private static int Run(Invocation invocation) => Run(invocation, null);

    /// <param name="images">Brought back from there instead of made anew; null for a new one.</param>
    public static int Run(Invocation invocation, CheckpointOptions? images)
    {
        var arguments = invocation.Arguments;
        var detached = arguments.IsSet("detach");
        using var creation = Creation.Make(invocation, forAnother: false, detached, images);
        var kept = false;
        try
        {
            using var foreground = detached ? null : new Foreground(
                creation.Container.TakeTerminal(), creation.Container.ExitDescriptor, signal =>
                    creation.Container.Signal(signal));
            using var notify = NotifySocket.TryListen(invocation.Store.DirectoryOf(invocation.Id));
            creation.Start();
            creation.Unlock();
            if (foreground is null)
            {
                kept = true;
                notify?.Wait(creation.Container);
                return 0;
            }
            var ready = notify is null
                ? null : Task.Factory.StartNew(() => notify.Wait(creation.Container), TaskCreationOptions.LongRunning);
            foreground.WaitForExit();
            ready?.Wait(TimeSpan.FromSeconds(5)); // it looks for the end once a second
            kept = arguments.IsSet("keep");
            return creation.Container.Wait(TimeSpan.Zero)?.Code ?? 255;
        }
        finally
        {
            if (!kept) creation.Undo();
        }
    }
}
