using Akka.Actor;
using Supervisor.Actors.Execs;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Containers;

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
                    end => self.Tell(new Exited(watch.Id, watch.Container.Pid, end), watcher),
                    () => self.Tell(new OutOfMemory(watch.Id), watcher));
                break;
            case WatchExec watch:
                var (reaper, exec) = (Self, Sender);
                watch.Process.Watch(end => reaper.Tell(new ExecExited(watch.Id, watch.Process.Pid, end), exec), () => { });
                break;
            case ExecExited seen:
                var end = Exit(seen.End);
                Context.System.EventStream.Publish(new ProcessExited(seen.Id.Container, seen.Pid, end));
                Sender.Tell(new ExecCommand.Exited(seen.Id, end.At, end));
                break;
            case Exited seen:
                var exit = Exit(seen.End);
                Context.System.EventStream.Publish(new ProcessExited(seen.Id, seen.Pid, exit));
                Sender.Tell(new TaskCommand.InitExited(seen.Id, exit.At, exit));
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

    private static TaskExit Exit(ProcessEnd end) => end.Status is { } known
        ? new TaskExit(known.Code, end.At)
        : new TaskExit(255, end.At, "it was not our child, and this kernel keeps no exit status for others");

    private sealed record ExecExited(ExecId Id, int Pid, ProcessEnd End);

    private sealed record Exited(ContainerId Id, int Pid, ProcessEnd End);
}
