using Akka.Actor;
using Supervisor.Actors.Tasks;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Effects;

/// <summary>
/// Turns what the reaper sees on its epoll thread into messages to the task or exec that watches, in the order in which the
/// thread saw it. Subscribers see an exit once it is journalled (decision 0093).
/// </summary>
public sealed class ReaperActor : UntypedActor
{
    private readonly TimeProvider _clock;

    /// <param name="clock">For the times of OOM kills.</param>
    public ReaperActor(TimeProvider clock) => _clock = clock;

    /// <summary>How to create one.</summary>
    public static Props Props(TimeProvider clock) => Akka.Actor.Props.Create(() => new ReaperActor(clock));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        var watcher = Sender; // the callbacks send directly from the epoll thread: a hop through this actor would only cost time
        switch (message)
        {
            case WatchInit watch:
                watch.Container.Watch(
                    end => watcher.Tell(new TaskCommand.InitExited(watch.Id, end.At, Exit(end))),
                    () => watcher.Tell(new TaskCommand.OutOfMemory(watch.Id, _clock.GetUtcNow())));
                watch.Container.WatchService(
                    report => watcher.Tell(ServiceReports.Translate(watch.Id, report, _clock.GetUtcNow())));
                break;
            case WatchExec watch:
                watch.Process.Watch(end => watcher.Tell(new ExecCommand.Exited(watch.Id, end.At, Exit(end))), () => { });
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private static TaskExit Exit(ProcessExit end) => end.Status is { } known
        ? new TaskExit(known.Code, end.At)
        : new TaskExit(255, end.At, "it was not our child, and this kernel reports exit statuses only to the parent");
}
