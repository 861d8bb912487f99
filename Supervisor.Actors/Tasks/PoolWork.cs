using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>Work that may block in the kernel. Its sender gets exactly one <see cref="PoolOutcome"/>.</summary>
/// <param name="Id">Its container, for the log.</param>
public abstract record PoolWork(ContainerId Id)
{
    /// <summary>Its name in messages.</summary>
    internal abstract string Name { get; }

    /// <summary>Carries it out, blocking. Never throws: a failure is the outcome.</summary>
    internal abstract PoolOutcome Run(KernelEffects effects, CancellationToken deadline);

    /// <summary>The outcome if it is not carried out, or its caller has stopped waiting.</summary>
    internal abstract PoolOutcome Failed(DateTimeOffset at, Refusal reason);
}

/// <summary>The result of work.</summary>
public abstract record PoolOutcome
{
    /// <summary>The work finished after its caller got an error: what it made is orphaned.</summary>
    /// <returns>Work that undoes it; null if there is nothing to undo.</returns>
    internal virtual PoolWork? Abandon(PoolWork work) => null;
}

/// <summary>The result of an effect of a task or an exec.</summary>
public abstract record PoolOutcome<TEffect>(TEffect Effect) : PoolOutcome;

/// <summary>Carry out the effects of tasks and execs.</summary>
/// <param name="Execs">Null in tests that have none.</param>
internal sealed record KernelEffects(ITaskEffects Tasks, IExecEffects? Execs);
