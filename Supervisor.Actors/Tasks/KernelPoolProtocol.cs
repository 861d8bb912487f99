using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>An effect of a task. Its sender gets exactly one <see cref="KernelOutcome"/>.</summary>
/// <param name="Container">What the sender holds of the live container, or null.</param>
public sealed record KernelWork(ContainerId Id, TaskEffect Effect, IContainer? Container) : PoolWork(Id)
{
    internal override string Name => Effect.GetType().Name;

    internal override PoolOutcome Run(KernelEffects effects, CancellationToken deadline) => effects.Tasks.Run(this, deadline);

    internal override PoolOutcome Failed(DateTimeOffset at, Refusal reason) =>
        new KernelOutcome(new TaskCommand.EffectFailed(Id, at, Effect, reason), Effect, null);
}

/// <summary>The result of an effect.</summary>
/// <param name="Container">A container that was created or adopted, now owned by the receiver; else null.</param>
public sealed record KernelOutcome(TaskCommand.Report Report, TaskEffect Effect, IContainer? Container)
    : PoolOutcome<TaskEffect>(Effect)
{
    internal override PoolWork? Abandon(PoolWork work)
    {
        if (Container is null) return null;
        Container.Dispose();
        var setup = (Effect as TaskEffect.SpawnInit)?.Setup ?? (Effect as TaskEffect.RestoreInit)?.Setup;
        return setup is null
            ? null : new KernelWork(
            work.Id, new TaskEffect.TearDown(setup, null, Container.Cgroup.Paths.ToSortedDictionary()), null);
    }
}

/// <summary>Carries out effects, in the kernel or, in tests, from a script.</summary>
public interface ITaskEffects
{
    /// <summary>Carries out one effect, blocking. Never throws: a failure is reported.</summary>
    KernelOutcome Run(KernelWork work, CancellationToken deadline);

    /// <summary>Answers an inquiry, blocking. Never throws: a failure is the reply.</summary>
    TaskInquiryReply Answer(TaskInquiryWork work);
}
