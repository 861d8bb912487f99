using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>run</c>: create and start; in the foreground it also waits for the exit, deletes the container, and exits with its status.
/// </summary>
internal static class RunVerb
{
    public static readonly Verb Verb = new("run", "ID", "create and run a container",
    [
        .. Creation.Flags,
        Flag.Switch("detach d", "do not wait for the exit"),
        Flag.Switch("keep", "do not delete the container after its exit"),
        Flag.Switch("no-subreaper", "no effect: orphans are not adopted"),
    ], 1, 1, Run) { FailurePrefix = "run failed: " };

    private static int Run(Invocation invocation) => Run(invocation, null);

    /// <param name="images">Restores it from there; null for a new one.</param>
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
            ready?.Wait(TimeSpan.FromSeconds(5)); // it checks for the exit once a second
            kept = arguments.IsSet("keep");
            return creation.Container.Wait(TimeSpan.Zero)?.Code ?? 255;
        }
        finally
        {
            if (!kept) creation.Undo();
        }
    }
}
