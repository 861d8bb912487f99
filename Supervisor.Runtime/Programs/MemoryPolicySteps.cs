using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Programs;

/// <summary>The step for the spec's memoryPolicy. set_mempolicy(2); it outlives the exec and is inherited.</summary>
internal static unsafe class MemoryPolicySteps
{
    private const int MaskBytes = MemoryPolicyRules.MostNodes / 8;

    /// <exception cref="InvalidSpecException">This kernel has no memory policies.</exception>
    public static void Check(MemoryPolicySpec? policy)
    {
        if (policy is null) return;
        if ((int)syscall(Syscall.set_mempolicy, 0 /* MPOL_DEFAULT: what we have */, null, 0) != 0 && Errno.Last is Errno.ENOSYS)
            throw new InvalidSpecException("linux.memoryPolicy", "this kernel has none (CONFIG_NUMA)");
    }

    public static void Add(LaunchProgram program, MemoryPolicySpec? policy)
    {
        if (policy is null) return;
        var mode = policy.Flags.Aggregate(
            MemoryPolicyRules.Modes[policy.Mode], (all, flag) => all | MemoryPolicyRules.Flags[flag]);
        var step = string.IsNullOrEmpty(policy.Nodes)
            ? program.Add(Syscall.set_mempolicy, policy.Mode, mode, 0, 0)
            : program.Add(Syscall.set_mempolicy, policy.Mode, mode,
                program.Values<byte>(NumberLists.Mask(policy.Nodes, MaskBytes)), MemoryPolicyRules.MostNodes + 1);
        step.Called($"linux.memoryPolicy {policy.Mode} of nodes \"{policy.Nodes}\"");
    }
}
