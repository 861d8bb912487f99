using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>An effect of an exec. Its sender gets exactly one <see cref="ExecOutcome"/>.</summary>
/// <param name="Container">What the task holds of the live container, or null.</param>
/// <param name="Process">What the exec holds of its live process, or null.</param>
public sealed record ExecWork(ExecId Exec, ExecEffect Effect, IContainer? Container, IContainerProcess? Process)
    : PoolWork(Exec.Container)
{
    internal override string Name => $"{Effect.GetType().Name} of exec {Exec.Value}";

    internal override PoolOutcome Run(KernelEffects effects, CancellationToken deadline) =>
        (effects.Execs ?? throw new InvalidOperationException("this kernel pool has no effects of execs")).Run(this, deadline);

    internal override PoolOutcome Failed(DateTimeOffset at, Refusal reason) =>
        new ExecOutcome(new ExecCommand.EffectFailed(Exec, at, Effect, reason), Effect, null);
}

/// <summary>The result of an exec's effect.</summary>
/// <param name="Process">A process that was spawned or adopted, now owned by the receiver; else null.</param>
public sealed record ExecOutcome(ExecCommand.Report Report, ExecEffect Effect, IContainerProcess? Process)
    : PoolOutcome<ExecEffect>(Effect)
{
    internal override PoolWork? Abandon(PoolWork work)
    {
        if (Process is null) return null;
        if (Effect is ExecEffect.Spawn) return new ExecWork(Report.Id, new ExecEffect.End(), null, Process);
        Process.Dispose();
        return null;
    }
}

/// <summary>Carries out effects of execs, in the kernel or, in tests, from a script.</summary>
public interface IExecEffects
{
    /// <summary>Carries out one effect, blocking. Never throws: a failure is reported.</summary>
    ExecOutcome Run(ExecWork work, CancellationToken deadline);
}
