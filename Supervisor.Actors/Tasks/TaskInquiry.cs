using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Kernel.Cgroups;

namespace Supervisor.Actors.Tasks;

/// <summary>A request about a task's cgroup that does not change the task's state. Answered with a
/// <see cref="TaskInquiryReply"/>.</summary>
public abstract record TaskInquiry(ContainerId Id)
{
    /// <summary>Lists the processes.</summary>
    public sealed record Pids(ContainerId Id) : TaskInquiry(Id);

    /// <summary>Reads the usage.</summary>
    public sealed record Stats(ContainerId Id) : TaskInquiry(Id);

    /// <summary>Changes limits; absent or 0 means no change.</summary>
    /// <param name="Resources">The OCI resources' JSON.</param>
    public sealed record Update(ContainerId Id, ReadOnlyMemory<byte> Resources) : TaskInquiry(Id);
}

/// <summary>The answer to a <see cref="TaskInquiry"/>.</summary>
/// <param name="Refusal">Null when it was carried out.</param>
/// <param name="Pids">In the daemon's pid namespace, ascending.</param>
public sealed record TaskInquiryReply(Refusal? Refusal, ImmutableArray<int> Pids = default, CgroupStats? Stats = null)
    : PoolOutcome;

/// <summary>An inquiry for the kernel pool.</summary>
/// <param name="CgroupPaths">Of the task's cgroup.</param>
public sealed record TaskInquiryWork(TaskInquiry Inquiry, ImmutableSortedDictionary<string, string> CgroupPaths)
    : PoolWork(Inquiry.Id)
{
    internal override string Name => Inquiry.GetType().Name;

    internal override PoolOutcome Run(KernelEffects effects, CancellationToken deadline) => effects.Tasks.Answer(this);

    internal override PoolOutcome Failed(DateTimeOffset at, Refusal reason) => new TaskInquiryReply(reason);
}
