using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Containers;

namespace Supervisor.Actors.KernelPool;

/// <summary>Work that may block in the kernel. Its sender gets exactly one <see cref="KernelOutcome"/>.</summary>
/// <param name="Container">What the sender holds of the live container, or null.</param>
public sealed record KernelWork(ContainerId Id, TaskEffect Effect, Container? Container);

/// <summary>How it ended.</summary>
/// <param name="Container">A container that was made or adopted, now the receiver's to keep; else null.</param>
public sealed record KernelOutcome(TaskCommand.Report Report, TaskEffect Effect, Container? Container);

/// <summary>Carries effects out. The product's enters the kernel; a test's follows a script.</summary>
public interface ITaskEffects
{
    /// <summary>Carries out one effect, blocking. Never throws: what goes wrong is the report.</summary>
    KernelOutcome Run(KernelWork work, CancellationToken deadline);
}
