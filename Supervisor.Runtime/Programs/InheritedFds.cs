using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Programs;

/// <summary>Descriptors that the first half leaves open for the second: numbers in the stub.</summary>
/// <param name="Listener">The socket for SCMP_ACT_NOTIFY.</param>
/// <param name="TimeNamespace">To be entered there.</param>
/// <param name="Starter">The start socket.</param>
/// <param name="Inherited">For the user's program.</param>
internal sealed record InheritedFds(int? Listener, int? TimeNamespace, int? Starter, IReadOnlyList<int> Inherited)
{
    /// <summary>
    /// Adds the steps: each descriptor gets a number without close-on-exec, above those that the stub uses itself.
    /// </summary>
    public static InheritedFds Add(
        LaunchProgram program, FdSlots slots, Fd? listener, Fd? time, Fd? starter, IReadOnlyList<Fd> inherited) => new(
        listener is not null ? Keep(program, slots, listener.Number, "linux.seccomp.listenerPath") : null,
        time is not null ? Keep(program, slots, time.Number, "time namespace") : null,
        starter is not null ? Keep(program, slots, starter.Number, "the start socket") : null,
        [.. inherited.Select(fd => Keep(program, slots, fd.Number, "inherited descriptor"))]);

    /// <summary>Adds the step for one descriptor of ours.</summary>
    public static int Keep(LaunchProgram program, FdSlots slots, int fd, string what)
    {
        int slot;
        do slot = slots.Take();
        while (slot <= Runtime.Hooks.StartHooks.LastSlot);
        program.Add(Syscall.dup3, what, fd, slot, 0);
        return slot;
    }
}
