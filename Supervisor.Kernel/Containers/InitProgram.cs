using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>A container's spec compiled into what its init does: up to the wait for start, and after it.</summary>
/// <param name="FirstHalf">In memory shared with us: namespaces, mounts, root. Ends in the exec of the stub.</param>
/// <param name="SecondHalf">In the stub: identity, the wait, the user's program.</param>
/// <param name="Namespaces">To be made by the birth itself.</param>
internal sealed record InitProgram(LaunchProgram FirstHalf, LaunchProgram SecondHalf, CloneFlags Namespaces)
{
    /// <exception cref="InvalidSpecException">The spec names something on the host that is not there.</exception>
    public static InitProgram Compile(ContainerPlan plan)
    {
        var linux = plan.Spec.Linux ?? new LinuxSpec();
        var made = linux.Namespaces.Where(n => string.IsNullOrEmpty(n.Path)).Aggregate(CloneFlags.None, (flags, n) => flags | Flag(n.Type));
        // A v1 cgroup is joined after the birth, so a namespace rooted at it can be made only then (launch rule 10).
        var ownCgroupNamespace = made.HasFlag(CloneFlags.CLONE_NEWCGROUP) && !plan.BornInCgroup;
        var namespaces = ownCgroupNamespace ? made & ~CloneFlags.CLONE_NEWCGROUP : made;
        return new InitProgram(First(plan, made, ownCgroupNamespace), Second(plan.Spec.Process!, plan.Listener is not null), namespaces);
    }

    private static LaunchProgram First(ContainerPlan plan, CloneFlags made, bool ownCgroupNamespace)
    {
        var program = new LaunchProgram();
        var slots = new FdSlots(plan.Descriptors);
        var process = plan.Spec.Process!;
        var terminal = process.Terminal;

        for (var fd = 0; fd < plan.Stdio.Count && !terminal; fd++) program.Add(Syscall.dup3, "standard streams", plan.Stdio[fd].Number, fd, 0);
        program.Add(Syscall.setsid, null);
        SessionKeyring.Join(program, plan.SessionKeyring);
        foreach (var procs in plan.CgroupProcs) program.Add(Syscall.write, "cgroup.procs", procs.Number, program.Text("0"), 1).AtLeast(1);
        if (ownCgroupNamespace) program.Add(Syscall.unshare, "cgroup", (long)CloneFlags.CLONE_NEWCGROUP);
        foreach (var (type, fd) in plan.Joined) program.Add(Syscall.setns, type, fd.Number, (long)Flag(type));
        if (made.HasFlag(CloneFlags.CLONE_NEWNET)) BringUpLoopback(program);

        program.Add(Syscall.umask, "0", 0); // modes of what is made below are meant as they are written
        RootfsSteps.Enter(program, plan);
        var root = slots.Take();
        RootfsSteps.Open(program, plan, root);
        var tree = new RootTree(program, root);
        var mounts = new DetachedMounts(program, slots);
        new SpecMounts(plan, tree, mounts).Add();
        new DeviceNodes(program, tree, plan).Add();
        if (terminal) TerminalSteps.AddWithConsole(program, slots, tree, mounts, process, plan.Socket.Number);
        tree.MakeDirectories(process.Cwd);
        new ProcWrites(program, mounts, plan.Spec).Add(); // before the paths below become read-only
        new PathProtection(program, slots, tree, mounts, plan).Add();
        RootfsSteps.Pivot(program, plan, root);

        if (!string.IsNullOrEmpty(plan.Spec.Hostname))
            program.Add(Syscall.sethostname, plan.Spec.Hostname, program.Text(plan.Spec.Hostname), System.Text.Encoding.UTF8.GetByteCount(plan.Spec.Hostname));
        if (!string.IsNullOrEmpty(plan.Spec.Domainname))
            program.Add(Syscall.setdomainname, plan.Spec.Domainname, program.Text(plan.Spec.Domainname), System.Text.Encoding.UTF8.GetByteCount(plan.Spec.Domainname));
        new ProgramSteps(process).Probe(program);

        ProgramSteps.ResetSignals(program);
        FdSlots.Pass(program, "the init's socket", plan.Socket.Number, InitStub.SocketFd);
        if (plan.Listener is not null) FdSlots.Pass(program, "the start socket", plan.Listener.Number, InitStub.ListenerFd);
        program.Add(Syscall.execveat, "the init stub", InitStub.File.Number, program.Text(""), program.Strings(["init"]), program.Strings([]), At.EMPTY_PATH);
        return program;
    }

    /// <summary>What runs in the stub: the same for an init and for an exec.</summary>
    /// <param name="process">Validated.</param>
    /// <param name="listens">The start comes as a connection to <see cref="InitStub.ListenerFd"/>, else as a byte over the socket.</param>
    internal static LaunchProgram Second(ProcessSpec process, bool listens = false)
    {
        const uint CLOSE_RANGE_CLOEXEC = 4;
        var program = new LaunchProgram();
        IdentitySteps.HideMemory(program);
        program.Add(Syscall.close_range, "all but the standard streams, at exec", InitStub.SocketFd, uint.MaxValue, CLOSE_RANGE_CLOEXEC);
        IdentitySteps.Add(program, process);
        program.Add(Syscall.umask, null, process.User.Umask ?? 0x12 /* 0022 */);
        program.Add(Syscall.chdir, process.Cwd, program.Text(process.Cwd)).Called($"chdir to process.cwd \"{process.Cwd}\"");
        program.Add(Syscall.write, "ready", InitStub.SocketFd, program.Values<long>([-1, 0]), 16).AtLeast(16);
        if (listens) StartSocket.Await(program);
        else program.Add(Syscall.read, "start", InitStub.SocketFd, program.Value(0L), 1).AtLeast(1);
        ProgramSteps.UnblockSignals(program);
        new ProgramSteps(process).Execute(program);
        return program;
    }

    /// <summary>SIOCSIFFLAGS on <c>lo</c>: a new network namespace has it, but down. netdevice(7).</summary>
    private static void BringUpLoopback(LaunchProgram program)
    {
        const int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000, SIOCSIFFLAGS = 0x8914;
        const short IFF_UP = 1, IFF_RUNNING = 0x40;
        var request = new InterfaceRequest { flags = IFF_UP | IFF_RUNNING };
        "lo"u8.CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref request, 1)));
        program.Add(Syscall.socket, "for lo", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0).IntoNext(0);
        program.Add(Syscall.ioctl, "lo up", 0, SIOCSIFFLAGS, program.Value(request));
    }

    private static CloneFlags Flag(string type) => type switch
    {
        NamespaceKind.Pid => CloneFlags.CLONE_NEWPID,
        NamespaceKind.Network => CloneFlags.CLONE_NEWNET,
        NamespaceKind.Mount => CloneFlags.CLONE_NEWNS,
        NamespaceKind.Ipc => CloneFlags.CLONE_NEWIPC,
        NamespaceKind.Uts => CloneFlags.CLONE_NEWUTS,
        NamespaceKind.User => CloneFlags.CLONE_NEWUSER,
        NamespaceKind.Cgroup => CloneFlags.CLONE_NEWCGROUP,
        NamespaceKind.Time => CloneFlags.CLONE_NEWTIME,
        _ => throw new InvalidSpecException("linux.namespaces", $"unknown kind \"{type}\""),
    };

    [StructLayout(LayoutKind.Sequential)]
    private struct InterfaceRequest // struct ifreq, 40 bytes: a name of 16, then the flags
    {
        private readonly long _name0, _name1;
        public short flags;
        private readonly short _pad0;
        private readonly int _pad1;
        private readonly long _pad2, _pad3;
    }
}
