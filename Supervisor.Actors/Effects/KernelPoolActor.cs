using Akka.Actor;
using Akka.Event;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;

namespace Supervisor.Actors.Effects;

/// <summary>
/// Hands work to idle workers, the only actors that enter the kernel. A container stuck there costs its own worker and
/// nobody's answer: its asker is told when the time is up, and another worker takes the place until it returns.
/// </summary>
/// <remarks>
/// Plain routers queue behind a busy routee; here work waits in one place and goes to a worker that is free. Containers take
/// turns, and
/// one never has more than three quarters of the workers. At most <see cref="MaximumWorkers"/> threads: beyond that many stuck at
/// once, work is
/// refused rather than queued without end.
/// </remarks>
public sealed class KernelPoolActor : UntypedActor, IWithTimers
{
    /// <summary>Workers, stuck ones included.</summary>
    public const int MaximumWorkers = 64;

    /// <summary>Work waiting for a worker.</summary>
    public const int MaximumWaiting = 10_000;

    private readonly KernelEffects _effects;
    private readonly TimeProvider _clock;
    private readonly int _workers;
    private readonly TimeSpan _deadline, _patience;
    private readonly Stack<IActorRef> _idle = new();
    private readonly FairQueue<ContainerId, (PoolWork Work, IActorRef Asker)> _waiting;
    private readonly Dictionary<long, Running> _running = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _lastJob;
    private int _made, _stuck;

    /// <param name="workers">Threads when none is stuck.</param>
    /// <param name="deadline">How long an effect may take by its own clock.</param>
    /// <param name="patience">How long after that its asker is told that it is stuck: the kernel does not let go of it.</param>
    /// <param name="execs">Carries the effects of execs out.</param>
    public KernelPoolActor(
        ITaskEffects effects, TimeProvider clock, int workers, TimeSpan deadline, TimeSpan patience, IExecEffects? execs)
    {
        (_effects, _clock, _workers, _deadline, _patience) =
            (new KernelEffects(effects, execs), clock, workers, deadline, patience);
        _waiting = new FairQueue<ContainerId, (PoolWork, IActorRef)>(Math.Max(1, workers * 3 / 4));
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to make one, with its workers on threads of their own.</summary>
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
            case KernelWorker.Done done:
                Finish(done, Sender);
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

    private bool HasFreeWorker => _idle.Count > 0 || (_made - _stuck < _workers && _made < MaximumWorkers);

    private void Dispatch()
    {
        while (HasFreeWorker && _waiting.TryDequeue(out var next))
            Run(_idle.TryPop(out var worker) ? worker : NewWorker(), next.Work, next.Asker);
    }

    private void Run(IActorRef worker, PoolWork work, IActorRef asker)
    {
        var job = ++_lastJob;
        _running[job] = new Running(work, asker, Stuck: false);
        worker.Tell(new KernelWorker.Job(job, work, _deadline));
        // The effect's own deadline is the first to strike; this one is for calls that the kernel does not let go of.
        Timers.StartSingleTimer(job, new Overdue(job), _deadline + _patience);
    }

    private void Finish(KernelWorker.Done done, IActorRef worker)
    {
        Timers.Cancel(done.Number);
        if (!_running.Remove(done.Number, out var running)) return;
        if (running.Stuck)
        {
            _stuck--;
            _log.Info("{0}: {1} came back from the kernel", running.Work.Id, running.Work.Name);
            if (done.Outcome.Abandon(running.Work) is { } undoing) Self.Tell(undoing, ActorRefs.Nobody);
        }
        else
        {
            _waiting.Finish(running.Work.Id);
            running.Asker.Tell(done.Outcome);
        }
        if (_made - _stuck > _workers)
        {
            _made--;
            Context.Stop(worker);
        }
        else
        {
            _idle.Push(worker);
        }
        Dispatch();
    }

    private void GiveUp(long job, Running running)
    {
        _running[job] = running with { Stuck = true };
        _stuck++;
        _waiting.Finish(running.Work.Id);
        var name = running.Work.Name;
        _log.Warning("{0}: {1} is stuck in the kernel for {2}, answering without it", running.Work.Id, name, _deadline);
        running.Asker.Tell(Failed(
            running.Work, RefusalCode.DeadlineExceeded, $"stuck in the kernel ({name}) for {_deadline.TotalSeconds:0} s"));
        Dispatch();
    }

    private IActorRef NewWorker()
    {
        _made++;
        return Context.ActorOf(KernelWorker.Props(_effects));
    }

    private PoolOutcome Failed(PoolWork work, RefusalCode code, string message) =>
        work.Failed(_clock.GetUtcNow(), new Refusal(code, message));

    private sealed record Running(PoolWork Work, IActorRef Asker, bool Stuck);

    private sealed record Overdue(long Job);
}
