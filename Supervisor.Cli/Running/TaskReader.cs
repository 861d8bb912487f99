using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Cli.Running;

/// <summary>
/// The one client that is attached to a task: it holds a lock on the task's bundle, which the kernel releases when it exits, and
/// which goes with the task.
/// </summary>
internal sealed class TaskReader : IDisposable
{
    private readonly Fd _bundle;

    private TaskReader(Fd bundle) => _bundle = bundle;

    /// <param name="state">The daemon's directory of bundles.</param>
    /// <exception cref="CliException">Another client is attached, or there is no task.</exception>
    public static TaskReader Take(DaemonClient client, string state, string id)
    {
        var path = Path.Join(state, "bundles", client.Namespace, id);
        var bundle = Fd.TryOpen(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW)
            ?? throw new CliException($"container {id} is not running: start it first, or read its output with logs");
        if (ExclusiveLock.TryTake(bundle)) return new TaskReader(bundle);
        using (bundle)
        {
            var holder = ExclusiveLock.HolderOf(bundle) is { } pid ? $"process {pid}" : "another client";
            throw new CliException(
                $"container {id} has a client already ({holder}): detach that one (by its detach keys, or by ending it), or read "
                + $"the output with \"{client.CommandLine} logs -f {id}\"");
        }
    }

    public void Dispose() => _bundle.Dispose();
}
