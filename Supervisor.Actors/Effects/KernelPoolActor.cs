using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Threads;

namespace Supervisor.Actors.Effects;

/// <summary>
/// Dispatches work to idle workers, the only actors that block in the kernel. A container stuck there blocks one worker, but
/// no reply: at its deadline its caller gets an error, and another worker replaces it until it returns.
/// </summary>
/// <remarks>
/// Plain routers queue behind a busy routee; here work waits in one queue for any free worker. Containers take turns, and one
/// never has more than three quarters of the workers. There are at most <see cref="WorkerPool.MaximumThreads"/> threads: when all
/// are stuck, work is refused rather than queued without limit.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes what it owns in PostStop.")]
public sealed class KernelPoolActor : UntypedActor
{
    /// <summary>Items waiting for a worker.</summary>
    public const int MaximumWaiting = 10_000;

    private readonly KernelEffects _effects;
    private readonly TimeProvider _clock;
    private readonly int _workers;
    private readonly TimeSpan _deadline;
    private readonly WorkerPool _pool;
    private readonly FairQueue<ContainerId, (PoolWork Work, IActorRef Asker)> _waiting;
    private readonly Dictionary<long, Running> _running = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _lastJob;
    private int _stuck;

    /// <param name="workers">Threads when none is stuck.</param>
    /// <param name="deadline">How long an effect may take, by its own clock.</param>
    /// <param name="patience">How long after the deadline the caller gets the error that the call is stuck in the kernel.</param>
    /// <param name="execs">Carries out the effects of execs.</param>
    public KernelPoolActor(
        ITaskEffects effects, TimeProvider clock, int workers, TimeSpan deadline, TimeSpan patience, IExecEffects? execs)
    {
        (_effects, _clock, _workers, _deadline) = (new KernelEffects(effects, execs), clock, workers, deadline);
        _pool = new WorkerPool("kernel", workers, MaximumWaiting, patience);
        _waiting = new FairQueue<ContainerId, (PoolWork, IActorRef)>(Math.Max(1, workers * 3 / 4));
    }

    /// <summary>How to make one.</summary>
    public static Props Props(
        ITaskEffects effects, TimeProvider clock, int workers, TimeSpan deadline, TimeSpan patience,
            IExecEffects? execs = null) =>
        Akka.Actor.Props.Create(() => new KernelPoolActor(effects, clock, workers, deadline, patience, execs));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case PoolWork work:
                Accept(work, Sender);
                break;
            case Done done:
                Finish(done);
                break;
            case Overdue overdue when _running.TryGetValue(overdue.Job, out var running) && !running.Stuck:
                GiveUp(overdue.Job, running);
                break;
            case Overdue:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Accept(PoolWork work, IActorRef asker)
    {
        if (_waiting.Count >= MaximumWaiting)
        {
            asker.Tell(Failed(work, RefusalCode.Unavailable,
                $"{_stuck} kernel calls are stuck and {_waiting.Count} wait; try again later"));
            return;
        }
        _waiting.Enqueue(work.Id, (work, asker));
        Dispatch();
    }

    private bool HasFreeWorker => _running.Count - _stuck < _workers && _running.Count < WorkerPool.MaximumThreads;

    private void Dispatch()
    {
        while (HasFreeWorker && _waiting.TryDequeue(out var next)) Run(next.Work, next.Asker);
    }

    private void Run(PoolWork work, IActorRef asker)
    {
        var (job, pool) = (++_lastJob, Self);
        _running[job] = new Running(work, asker, Stuck: false);
        // The effect's own deadline expires first; only calls that are stuck in the kernel become overdue.
        _pool.TryAdd(
            _deadline, deadline => pool.Tell(new Done(job, Execute(work, deadline)), ActorRefs.NoSender),
            () => pool.Tell(new Overdue(job), ActorRefs.NoSender));
    }

    private PoolOutcome Execute(PoolWork work, CancellationToken deadline)
    {
        var name = work.GetType().Name + " " + work.Name.Split(' ')[0];
        Failpoint.Pass("before", name);
        var outcome = work.Run(_effects, deadline);
        Failpoint.Pass("after", name);
        return outcome;
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _pool.Dispose();
        base.PostStop();
    }

    private void Finish(Done done)
    {
        if (!_running.Remove(done.Number, out var running)) return;
        if (running.Stuck)
        {
            _stuck--;
            _log.Info("{0}: {1} returned from the kernel", running.Work.Id, running.Work.Name);
            if (done.Outcome.Abandon(running.Work) is { } undoing) Self.Tell(undoing, ActorRefs.Nobody);
        }
        else
        {
            _waiting.Finish(running.Work.Id);
            running.Asker.Tell(done.Outcome);
        }
        Dispatch();
    }

    private void GiveUp(long job, Running running)
    {
        _running[job] = running with { Stuck = true };
        _stuck++;
        _waiting.Finish(running.Work.Id);
        var name = running.Work.Name;
        _log.Warning("{0}: {1} has been stuck in the kernel for {2}; its caller gets an error", running.Work.Id, name, _deadline);
        running.Asker.Tell(Failed(
            running.Work, RefusalCode.DeadlineExceeded, $"stuck in the kernel ({name}) for {_deadline.TotalSeconds:0} s"));
        Dispatch();
    }

    private PoolOutcome Failed(PoolWork work, RefusalCode code, string message) =>
        work.Failed(_clock.GetUtcNow(), new Refusal(code, message));

    private sealed record Running(PoolWork Work, IActorRef Asker, bool Stuck);

    private sealed record Done(long Number, PoolOutcome Outcome);

    private sealed record Overdue(long Job);
}
