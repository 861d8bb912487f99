using Akka.Actor;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;

namespace Supervisor.Actors.Effects;

/// <summary>One thread that may block in the kernel: it runs on a dispatcher that gives each actor its own.</summary>
internal sealed class KernelWorker : UntypedActor
{
    private readonly KernelEffects _effects;

    public KernelWorker(KernelEffects effects) => _effects = effects;

    /// <summary>How to create one, on a thread of its own.</summary>
    public static Props Props(KernelEffects effects) =>
        Akka.Actor.Props.Create(() => new KernelWorker(effects)).WithDispatcher("supervisor.kernel-dispatcher");

    /// <summary>Work with the time it has.</summary>
    internal sealed record Job(long Number, PoolWork Work, TimeSpan Deadline);

    /// <summary>The job is done.</summary>
    internal sealed record Done(long Number, PoolOutcome Outcome);

    protected override void OnReceive(object message)
    {
        if (message is not Job job)
        {
            Unhandled(message);
            return;
        }
        using var deadline = new CancellationTokenSource(job.Deadline);
        var name = job.Work.GetType().Name + " " + job.Work.Name.Split(' ')[0];
        Failpoint.Pass("before", name);
        var outcome = job.Work.Run(_effects, deadline.Token);
        Failpoint.Pass("after", name);
        Sender.Tell(new Done(job.Number, outcome));
    }
}
