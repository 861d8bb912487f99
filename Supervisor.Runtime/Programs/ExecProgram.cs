using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Rootfs;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Runtime.Programs;

/// <summary>Everything that an exec's program is compiled from. Every descriptor is open and ours.</summary>
/// <param name="Process">Validated.</param>
/// <param name="Init">The init whose namespaces are entered.</param>
/// <param name="Namespaces">Those of them that differ from ours.</param>
/// <param name="CgroupTasks">The file <c>tasks</c> of every cgroup v1 hierarchy to join.</param>
/// <param name="Stdio">Standard input, output and error; empty with a terminal.</param>
/// <param name="Socket">The child's end of the socket to us.</param>
/// <param name="Stub">What it executes: see <see cref="InitStub.Open"/>.</param>
/// <param name="Page">Where its pid is stored.</param>
internal sealed record ExecPlan(
    ProcessSpec Process, Pidfd Init, CloneFlags Namespaces, IReadOnlyList<Fd> CgroupTasks, IReadOnlyList<Fd> Stdio, Fd Socket,
        Fd Stub, PidPage Page)
{
    /// <summary>For the user's program, as descriptors 3, 4 and so on.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];

    /// <summary>The container's, parts of which apply to an exec too; null where it is not known.</summary>
    public LinuxSpec? Linux { get; init; }

    /// <summary>The container's filter; null for none.</summary>
    public SeccompFilter? Seccomp { get; init; }

    /// <summary>Connected to the filter's listenerPath; null for none.</summary>
    public Fd? Listener { get; init; }

    /// <summary>Whether setgroups(2) is allowed in the container's user namespace.</summary>
    public bool MaySetGroups { get; init; } = true;

    /// <summary>Whether that namespace has a root; without one, the process's own user sets it up.</summary>
    public bool HasRoot { get; init; } = true;

    /// <summary>Whether that namespace is not ours.</summary>
    public bool OtherUser => (Namespaces & CloneFlags.CLONE_NEWUSER) != 0;
}

/// <summary>
/// An exec compiled into what its process does. Only children enter a pid namespace, so there are two clones, the second in the
/// stub: see <see cref="StubClone"/>. The second child is ours as well, and continues like an init: identity, the wait, the
/// user's program.
/// </summary>
/// <param name="Launch">In memory shared with us, and in no namespace of the container's.</param>
/// <param name="Entry">In the stub: the namespaces, the second clone, session and terminal.</param>
internal sealed record ExecProgram(LaunchProgram Launch, LaunchProgram Entry, SecondHalf SecondHalf)
{
    public static ExecProgram Compile(ExecPlan plan)
    {
        var launch = new LaunchProgram();
        var affinity = plan.Process.ExecCPUAffinity;
        for (var fd = 0; fd < plan.Stdio.Count; fd++) launch.Add(Syscall.dup3, "standard streams", plan.Stdio[fd].Number, fd, 0);
        SchedulingSteps.Affinity(launch, affinity?.Initial);
        // Before the namespaces: the descriptors are ours, and the process is in the container's cgroup before it enters them.
        foreach (var tasks in plan.CgroupTasks)
            launch.Add(Syscall.write, "the cgroup's tasks", tasks.Number, launch.Text("0"), 1).AtLeast(1);
        SchedulingSteps.FinalAffinity(launch, affinity?.Final);
        ProgramSteps.ResetSignals(launch);
        var slots = new FdSlots(
        [
            plan.Init.Number, plan.Page.File.Number, plan.Socket.Number, plan.Stub.Number,
            .. plan.Inherited.Select(f => f.Number), plan.Listener?.Number ?? 0,
        ]);
        var left = InheritedFds.Add(launch, slots, plan.Listener, null, null, plan.Inherited);
        var init = InheritedFds.Keep(launch, slots, plan.Init.Number, "the init's pidfd");
        var page = InheritedFds.Keep(launch, slots, plan.Page.File.Number, "the page for a pid");
        FdSlots.Pass(launch, "the exec's socket", plan.Socket.Number, InitStub.SocketFd);
        launch.Add(Syscall.execveat, "the init stub",
            plan.Stub.Number, launch.Text(""), launch.Strings(["exec"]), launch.Strings([]), At.EMPTY_PATH);
        return new ExecProgram(launch, Enter(plan, slots, left, init, page), new SecondHalf(plan.Process)
        {
            MaySetGroups = plan.MaySetGroups,
            Seccomp = plan.Seccomp,
            Listener = left.Listener is { } socket ? new SeccompListener(socket, []) : null,
            Inherited = left.Inherited,
            Keyring = "",
            Linux = plan.Linux,
        });
    }

    private static LaunchProgram Enter(ExecPlan plan, FdSlots slots, InheritedFds left, int init, int page)
    {
        var process = plan.Process;
        var program = new LaunchProgram();
        PidPage.Map(program, page);
        if (plan.Namespaces is not CloneFlags.None)
            program.Add(Syscall.setns, $"{plan.Namespaces}", init, (long)plan.Namespaces)
                .Called("enter the container's namespaces");
        // Changing credentials sets the dumpable flag, so it is cleared after the last change before the clone
        IdentitySteps.HideMemory(program);
        FdSlots.CloseOthers(program, [InitStub.SocketFd, .. left.Inherited, left.Listener ?? 0]);
        StubClone.Add(program, CloneFlags.None);

        if (plan.OtherUser) // what it creates needs an owner in that namespace
            InitProgram.BecomeRoot(
                program, plan.MaySetGroups, plan.HasRoot ? 0 : process.User.Uid, plan.HasRoot ? 0 : process.User.Gid);
        if (process.Terminal)
        {
            var root = slots.Take();
            FdSlots.Keep(program, program.Add(Syscall.openat, "/", At.FDCWD, program.Text("/"),
                (OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0), root);
            TerminalSteps.Add(program, slots, new RootTree(program, root), process, InitStub.SocketFd, plan.OtherUser);
        }
        new ProcWrites(program, new DetachedMounts(program, slots), new Spec { Process = process }).Add();
        new ProgramSteps(process).Probe(program);
        InitStub.Continue(program);
        return program;
    }
}
