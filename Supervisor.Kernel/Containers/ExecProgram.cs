using System.Runtime.CompilerServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Seccomp;

namespace Supervisor.Kernel.Containers;

/// <summary>All that an exec's program is compiled from. Every descriptor is open and ours.</summary>
/// <param name="Process">Validated.</param>
/// <param name="Init">Whose namespaces are entered.</param>
/// <param name="Namespaces">Those of them that differ from ours.</param>
/// <param name="CgroupProcs">cgroup.procs of every cgroup v1 hierarchy to join; empty where the child is born in its cgroup.</param>
/// <param name="Stdio">Standard input, output and error; empty with a terminal.</param>
/// <param name="Socket">The child's end of the talk with us.</param>
internal sealed record ExecPlan(
    ProcessSpec Process, Pidfd Init, CloneFlags Namespaces, IReadOnlyList<Fd> CgroupProcs, IReadOnlyList<Fd> Stdio, Fd Socket)
{
    /// <summary>The container's time namespace, entered in the stub (EUSERS before); null where it is ours.</summary>
    public Fd? TimeNamespace { get; init; }

    /// <summary>For the user's program, as 3, 4 and so on.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];

    /// <summary>The container's filter; null for none.</summary>
    public SeccompFilter? Seccomp { get; init; }

    /// <summary>Connected to the filter's listenerPath; null for none.</summary>
    public Fd? Listener { get; init; }

    /// <summary>Whether setgroups(2) is allowed in the container's user namespace.</summary>
    public bool MaySetGroups { get; init; } = true;

    /// <summary>Whether that namespace has a root; without one the process's own user is who sets it up.</summary>
    public bool HasRoot { get; init; } = true;

    /// <summary>Whether that is not ours.</summary>
    public bool OtherUser => (Namespaces & CloneFlags.CLONE_NEWUSER) != 0;
}

/// <summary>
/// An exec compiled into what its process does. A pid namespace is entered by children only, so there are two births:
/// <code>
///   us ── clone3 ─▶ first: cgroups, setns ── clone3(CLONE_PARENT) ─▶ second: session, terminal, execveat(stub)
///                   first: exit 0 ◀── when the second has its own memory
/// </code>
/// The second is our child as well. In the stub it goes on like an init: identity, the wait, the user's program.
/// </summary>
/// <param name="Pid">Where the second's pid, in our namespace, will stand.</param>
internal sealed record ExecProgram(LaunchProgram FirstHalf, SecondHalf SecondHalf, DataRef Pid)
{
    public static ExecProgram Compile(ExecPlan plan)
    {
        var program = new LaunchProgram();
        var process = plan.Process;
        for (var fd = 0; fd < plan.Stdio.Count; fd++) program.Add(Syscall.dup3, "standard streams", plan.Stdio[fd].Number, fd, 0);
        SchedulingSteps.Affinity(program, process.ExecCPUAffinity?.Initial);
        // Before the namespaces: the descriptors are ours, and the cgroup is the container's from its first moment in there.
        foreach (var procs in plan.CgroupProcs) program.Add(Syscall.write, "cgroup.procs", procs.Number, program.Text("0"), 1).AtLeast(1);
        FdSlots.CloseOthers(program, [plan.Init.Number, .. Needed(plan)]);
        SchedulingSteps.Affinity(program, process.ExecCPUAffinity?.Final);
        var entered = plan.Namespaces & ~CloneFlags.CLONE_NEWTIME;
        if (entered is not CloneFlags.None)
            program.Add(Syscall.setns, $"{entered}", plan.Init.Number, (long)entered).Called("enter the container's namespaces");

        var pid = program.Value(0L);
        var birth = program.Value(new CloneArgs
        {
            flags = CloneFlags.CLONE_PARENT | CloneFlags.CLONE_VM | CloneFlags.CLONE_VFORK | CloneFlags.CLONE_PARENT_SETTID,
            exit_signal = 0, // with CLONE_PARENT it is the first's own: clone3(2) refuses any other
        });
        program.PutPointer(new DataRef(birth.Offset + ParentTidOffset), pid);
        var isFirst = program.Add(Syscall.clone3, "in the container", birth, Unsafe.SizeOf<CloneArgs>()).SkippingOnPositive();
        var second = Second(program, plan);
        isFirst.SkipsToHere();
        program.Add(Syscall.exit_group, "0", 0);
        return new ExecProgram(program, second, pid);
    }

    private static int ParentTidOffset => 3 * sizeof(ulong);

    /// <summary>What the second child still takes from us.</summary>
    private static IEnumerable<int> Needed(ExecPlan plan) =>
    [
        plan.Socket.Number, InitStub.File.Number, .. plan.Inherited.Select(f => f.Number), plan.TimeNamespace?.Number ?? 0, plan.Listener?.Number ?? 0,
    ];

    private static SecondHalf Second(LaunchProgram program, ExecPlan plan)
    {
        var process = plan.Process;
        var slots = new FdSlots(Needed(plan));
        program.Add(Syscall.close_range, "the init's pidfd", plan.Init.Number, plan.Init.Number, 0);
        program.Add(Syscall.setsid, null);
        var (uid, gid) = plan.OtherUser && !plan.HasRoot ? (process.User.Uid, process.User.Gid) : (0, 0);
        if (plan.OtherUser) InitProgram.BecomeRoot(program, plan.MaySetGroups, uid, gid); // else the exec of the stub would leave it without rights in there
        if (process.Terminal)
        {
            var root = slots.Take();
            FdSlots.Keep(program, program.Add(Syscall.openat, "/", At.FDCWD, program.Text("/"),
                (OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0), root);
            TerminalSteps.Add(program, slots, new RootTree(program, root), process, plan.Socket.Number, plan.OtherUser);
        }
        new ProcWrites(program, new DetachedMounts(program, slots), new Spec { Process = process }).Add();
        new ProgramSteps(process).Probe(program);
        ProgramSteps.ResetSignals(program);
        var left = LeftOpen.Add(program, slots, plan.Listener, plan.TimeNamespace, null, plan.Inherited);
        FdSlots.Pass(program, "the exec's socket", plan.Socket.Number, InitStub.SocketFd);
        if (uid != 0) IdentitySteps.KeepRights(program);
        program.Add(Syscall.execveat, "the init stub", InitStub.File.Number, program.Text(""), program.Strings(["exec"]), program.Strings([]), At.EMPTY_PATH);
        return new SecondHalf(process)
        {
            MaySetGroups = plan.MaySetGroups,
            Seccomp = plan.Seccomp,
            Listener = left.Listener is { } socket ? new SeccompListener(socket, []) : null,
            TimeNamespace = left.TimeNamespace,
            Inherited = left.Inherited,
            Keyring = "",
        };
    }
}
