using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>Work that may block in the kernel. Its sender gets exactly one <see cref="PoolOutcome"/>.</summary>
/// <param name="Id">Whose it is, for the log.</param>
public abstract record PoolWork(ContainerId Id)
{
    /// <summary>What messages call it.</summary>
    internal abstract string Name { get; }

    /// <summary>Carries it out, blocking. Never throws: what goes wrong is the outcome.</summary>
    internal abstract PoolOutcome Run(KernelEffects effects, CancellationToken deadline);

    /// <summary>The outcome where it is not carried out, or nobody waits for it any more.</summary>
    internal abstract PoolOutcome Failed(DateTimeOffset at, Refusal reason);
}

/// <summary>How work ended.</summary>
public abstract record PoolOutcome
{
    /// <summary>Its asker was told that the work failed: what it made after all belongs to nobody.</summary>
    /// <returns>What undoes it; null if nothing is to be undone.</returns>
    internal virtual PoolWork? Abandon(PoolWork work) => null;
}

/// <summary>Those who carry work out.</summary>
/// <param name="Execs">Null in tests that have none.</param>
internal sealed record KernelEffects(ITaskEffects Tasks, IExecEffects? Execs);
