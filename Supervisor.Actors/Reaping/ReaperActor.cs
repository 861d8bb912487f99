using Akka.Actor;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Processes;

namespace Supervisor.Actors.Reaping;

/// <summary>
/// Turns what the kernel's reaper learns on its epoll thread into messages: to the task that asked, and to the event
/// stream for anyone. In the order in which the thread learned it.
/// </summary>
public sealed class ReaperActor : UntypedActor
{
    private readonly TimeProvider _clock;

    /// <param name="clock">Stamps exits.</param>
    public ReaperActor(TimeProvider clock) => _clock = clock;

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WatchInit watch:
                var (self, watcher) = (Self, Sender);
                watch.Container.Watch(
                    status => self.Tell(new Exited(watch.Id, watch.Container.Pid, status), watcher),
                    () => self.Tell(new OutOfMemory(watch.Id), watcher));
                break;
            case Exited seen:
                var now = _clock.GetUtcNow();
                var exit = seen.Status is { } status ? new TaskExit(status.Code, now)
                    : new TaskExit(255, now, "it was not our child, and this kernel keeps no exit status for others");
                Context.System.EventStream.Publish(new ProcessExited(seen.Id, seen.Pid, exit));
                Sender.Tell(new TaskCommand.InitExited(seen.Id, now, exit));
                break;
            case OutOfMemory seen:
                Context.System.EventStream.Publish(seen);
                Sender.Tell(new TaskCommand.OutOfMemory(seen.Id, _clock.GetUtcNow()));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private sealed record Exited(ContainerId Id, int Pid, ExitStatus? Status);
}
