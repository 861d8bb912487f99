using Akka.Actor;
using Akka.Dispatch.SysMsg;

namespace Akka.Dispatch;

/// <summary>Brings every step of an async handler back to its actor, as a system message. Between two steps system
/// messages are handled, user messages are not.</summary>
public class ActorTaskScheduler : TaskScheduler
{
    private readonly ActorCell _cell;

    internal ActorTaskScheduler(ActorCell cell) => _cell = cell;
    public override int MaximumConcurrencyLevel => 1;
    protected override IEnumerable<Task> GetScheduledTasks() => [];
    protected override void QueueTask(Task task) => _cell.SendSystemMessage(new ActorTaskStep(task));

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ActorCell.Current == _cell && TryExecuteTask(task);

    internal void Execute(Task task) => TryExecuteTask(task);

    public static void RunTask(Func<Task> asyncAction)
    {
        var cell = ActorCell.Current ?? throw new InvalidOperationException("RunTask must be called from an actor context.");
        // Started inline under this scheduler, so that awaits inside resume through it.
        var start = new Task<Task>(asyncAction);
        start.RunSynchronously(cell.TaskScheduler);
        var work = start.Status == TaskStatus.RanToCompletion ? start.Result ?? Task.CompletedTask : start;
        if (work.IsCompletedSuccessfully) return;
        if (work.IsCompleted) work.GetAwaiter().GetResult();
        cell.BeginAwait(work);
        work.ContinueWith(static (ended, state) => ((ActorCell)state).SendSystemMessage(new ActorTaskEnded(ended)), cell,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, Default);
    }
}
