using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Rootfs;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Runtime.Programs;

/// <summary>A container's spec compiled into what its init does: up to the wait for start, and after it.</summary>
/// <param name="FirstHalf">In memory shared with us: namespaces, mounts, root. Ends in the exec of the stub.</param>
/// <param name="Entry">
/// The same, in the stub, for an init that enters a pid namespace with other processes, whose first half is just the exec; else
/// null.
/// </param>
/// <param name="SecondHalf">In the stub: identity, the wait, the user's program.</param>
/// <param name="Namespaces">Created by the clone itself.</param>
/// <param name="NestedPid">Where the pid is stored, if a first child that has joined namespaces clones the init; else
/// null.</param>
internal sealed record InitProgram(
    LaunchProgram FirstHalf, LaunchProgram? Entry, SecondHalf SecondHalf, CloneFlags Namespaces, DataRef? NestedPid)
{
    // A v1 cgroup is joined after clone, and a cgroup namespace must be rooted at it, so that namespace is created later. A time
    // namespace is entered by the exec of the stub, and its clocks are set before (Linux 6.1 for a process that shares memory).
    private const CloneFlags CreatedLater = CloneFlags.CLONE_NEWCGROUP | CloneFlags.CLONE_NEWTIME;

    /// <summary>Steps of an ordinary container's first half.</summary>
    private const int TypicalSteps = 512;

    /// <exception cref="InvalidSpecException">The spec names something on the host that is not there.</exception>
    public static InitProgram Compile(ContainerPlan plan)
    {
        var program = new LaunchProgram(TypicalSteps);
        var slots = new FdSlots(plan.Descriptors);
        var namespaces = plan.Namespaces;
        var later = plan.IsPureV2 && !plan.DoubleClone ? CloneFlags.CLONE_NEWTIME : CreatedLater;
        var atClone = namespaces.Made & ~later;
        DataRef? pid = null;
        if (!plan.Spec.Process!.Terminal)
            for (var fd = 0; fd < plan.Stdio.Count; fd++)
                program.Add(Syscall.dup3, "standard streams", plan.Stdio[fd].Number, fd, 0);
        foreach (var tasks in plan.CgroupTasks)
            program.Add(Syscall.write, "the cgroup's tasks", tasks.Number, program.Text("0"), 1).AtLeast(1);
        SchedulingSteps.FinalAffinity(program, null);
        if (plan.Page is not null) return CompileForJoinedPidNamespace(program, slots, plan, atClone, namespaces.Made & later);
        if (plan.DoubleClone)
        {
            Join(program, plan);
            pid = program.Value(0L);
            var arguments = program.Value(new CloneArgs
            {
                flags = atClone | CloneFlags.CLONE_PARENT | CloneFlags.CLONE_VM | CloneFlags.CLONE_VFORK
                    | CloneFlags.CLONE_PARENT_SETTID,
            });
            program.PutPointer(new DataRef(arguments.Offset + 3 * sizeof(ulong)), pid.Value);
            var isFirst = program.Add(Syscall.clone3, "the init", arguments, Unsafe.SizeOf<CloneArgs>()).SkippingOnPositive();
            var initFds = CompileFirstHalf(program, slots, plan, namespaces.Made & later);
            isFirst.SkipsToHere();
            program.Add(Syscall.exit_group, "0", 0);
            return new InitProgram(program, null, CompileSecondHalf(plan, initFds), CloneFlags.None, pid);
        }
        if (namespaces.Makes(CloneFlags.CLONE_NEWUSER)) plan.Pauses!.Add(program, "linux.uidMappings", plan.WriteIdMaps!);
        Join(program, plan);
        var fds = CompileFirstHalf(program, slots, plan, namespaces.Made & later);
        return new InitProgram(program, null, CompileSecondHalf(plan, fds), atClone, null);
    }

    /// <summary>
    /// As in <see cref="ExecProgram"/>: a new process in a pid namespace with others must share nothing with us.
    /// </summary>
    private static InitProgram CompileForJoinedPidNamespace(
        LaunchProgram launch, FdSlots slots, ContainerPlan plan, CloneFlags atClone, CloneFlags later)
    {
        const int F_SETFD = 2;
        int socket = plan.Socket.Number, page = plan.Page!.File.Number;
        int[] ours = [socket, plan.Stub!.Number, .. plan.CgroupTasks.Select(f => f.Number)];
        var passed = plan.Descriptors.Distinct().Except(ours).ToArray();
        foreach (var fd in passed) launch.Add(Syscall.fcntl, "close-on-exec", fd, F_SETFD, 0);
        // The stub's socket needs a fixed number, which one of the passed descriptors may have here.
        int? displaced = passed.Contains(InitStub.SocketFd) ? slots.Take() : null;
        if (displaced is { } aside) launch.Add(Syscall.dup3, "out of the socket's way", InitStub.SocketFd, aside, 0);
        FdSlots.Pass(launch, "the init's socket", socket, InitStub.SocketFd);
        ExecuteStub(launch, plan);

        var program = new LaunchProgram();
        if (socket != InitStub.SocketFd)
            program.Add(Syscall.dup3, "the init's socket", InitStub.SocketFd, socket, 0).IntoStub(InitStub.ErrorFdAddress);
        if (displaced is { } back) program.Add(Syscall.dup3, "back", back, InitStub.SocketFd, 0);
        PidPage.Map(program, page);
        Join(program, plan);
        IdentitySteps.HideMemory(program);
        FdSlots.CloseOthers(program, passed.Except([page]).Append(socket));
        StubClone.Add(program, atClone);
        var fds = CompileFirstHalf(program, slots, plan, later);
        return new InitProgram(launch, program, CompileSecondHalf(plan, fds), CloneFlags.None, null);
    }

    private static void Join(LaunchProgram program, ContainerPlan plan)
    {
        if (plan.MountsRootFirst)
        {
            program.Add(Syscall.unshare, "mounts", (long)CloneFlags.CLONE_NEWNS);
            RootfsSteps.CutOff(program);
            RootfsSteps.MountRoot(program, plan);
        }
        foreach (var (type, fd) in plan.Namespaces.InOrder())
            program.Add(Syscall.setns, type, fd.Number, (long)NamespacePlan.Flag(type));
    }

    private static InheritedFds CompileFirstHalf(LaunchProgram program, FdSlots slots, ContainerPlan plan, CloneFlags later)
    {
        var process = plan.Spec.Process!;
        var namespaces = plan.Namespaces;
        if (plan.DoubleClone && namespaces.Makes(CloneFlags.CLONE_NEWUSER))
            plan.Pauses!.Add(program, "linux.uidMappings", plan.WriteIdMaps!);
        if (plan.Page is null) program.Add(Syscall.setsid, null); // else the clone's steps have it
        if (later is not CloneFlags.None)
        {
            var made = later is CloneFlags.CLONE_NEWCGROUP ? nameof(CloneFlags.CLONE_NEWCGROUP) : $"{later}";
            program.Add(Syscall.unshare, made, (long)later);
        }
        if (namespaces.Makes(CloneFlags.CLONE_NEWNET)) BringUpLoopback(program);

        program.Add(Syscall.umask, "0", 0); // the modes below are exact
        RootfsSteps.Enter(program, plan);
        var root = slots.Take();
        RootfsSteps.Open(program, plan, root);
        // The host's root may enter directories that the container's root may not: it is opened before this.
        var linux = plan.Spec.Linux;
        var (uid, gid) = namespaces.Makes(CloneFlags.CLONE_NEWUSER)
            ? (IdMaps.InsideOr(linux!.UidMappings, process.User.Uid), IdMaps.InsideOr(linux.GidMappings, process.User.Gid))
                : (0, 0);
        if (namespaces.OtherUser) BecomeRoot(program, plan.MaySetGroups, uid, gid);
        var tree = new RootTree(program, root);
        var mounts = new DetachedMounts(program, slots);
        var specMounts = new SpecMounts(plan, program, tree, mounts);
        if (namespaces.OwnMounts)
        {
            specMounts.Add();
            new DeviceNodes(program, tree, mounts, plan).Add();
        }
        if (process.Terminal)
            TerminalSteps.AddWithConsole(program, slots, tree, mounts, process, plan.Socket.Number, namespaces.OtherUser);
        if (plan.Hooks is { } hooks) plan.Pauses!.Add(program, "hooks", hooks);
        if (process.Cwd.Length > 1)
            tree.MakeDirectories(process.Cwd, purpose: $"process.cwd \"{process.Cwd}\" does not exist and cannot be created");
        // before the paths below become read-only
        new ProcWrites(program, mounts, plan.Spec, namespaces.OtherUser ? plan.Pauses : null).Add();
        if (namespaces.OwnMounts)
        {
            specMounts.Finish();
            new PathProtection(program, slots, tree, mounts, plan).Add();
        }
        RootfsSteps.Change(program, plan, root);

        if (plan.Spec.Hostname is { Length: > 0 } host)
            program.Add(Syscall.sethostname, host, program.Text(host), Encoding.UTF8.GetByteCount(host));
        if (plan.Spec.Domainname is { Length: > 0 } domain)
            program.Add(Syscall.setdomainname, domain, program.Text(domain), Encoding.UTF8.GetByteCount(domain));
        new ProgramSteps(process).Probe(program);

        ProgramSteps.ResetSignals(program);
        var fds = InheritedFds.Add(program, slots, plan.Listener, plan.Namespaces.JoinedTime, plan.Starter, plan.Inherited);
        if (plan.Page is not null)
        {
            if (plan.Socket.Number != InitStub.SocketFd)
                program.Add(Syscall.dup3, "the init's socket", plan.Socket.Number, InitStub.SocketFd, 0)
                    .IntoStub(InitStub.ErrorFdAddress);
            FdSlots.CloseOthers(program,
                [InitStub.SocketFd, .. fds.Inherited, fds.Listener ?? 0, fds.TimeNamespace ?? 0, fds.Starter ?? 0]);
            InitStub.Continue(program);
            return fds;
        }
        FdSlots.Pass(program, "the init's socket", plan.Socket.Number, InitStub.SocketFd);
        if (uid != 0) IdentitySteps.KeepCapabilities(program);
        ExecuteStub(program, plan);
        return fds;
    }

    private static void ExecuteStub(LaunchProgram program, ContainerPlan plan) =>
        program.Add(Syscall.execveat, "the init stub",
            plan.Stub!.Number, program.Text(""), program.Strings(["init"]), program.Strings([]), At.EMPTY_PATH);

    private static SecondHalf CompileSecondHalf(ContainerPlan plan, InheritedFds fds) => new(plan.Spec.Process!)
    {
        MaySetGroups = plan.MaySetGroups,
        Seccomp = plan.Seccomp,
        Listener = fds.Listener is { } socket ? new SeccompListener(socket, []) : null,
        StartHooks = plan.Spec.Hooks?.StartContainer ?? [],
        TimeNamespace = fds.TimeNamespace,
        Starter = fds.Starter,
        Inherited = fds.Inherited,
        Keyring = plan.Keyring,
        Linux = plan.Spec.Linux,
        StaysAsInit = plan.Spec.Process!.Init,
    };

    /// <summary>
    /// Becomes root of the user namespace, or the user it has instead: what is created from here on needs an owner in it.
    /// </summary>
    internal static void BecomeRoot(LaunchProgram program, bool maySetGroups, uint uid, uint gid)
    {
        if (maySetGroups) program.Add(Syscall.setgroups, "none", 0, 0);
        program.Add(Syscall.setresgid, "root of the user namespace", gid, gid, gid);
        program.Add(Syscall.setresuid, "root of the user namespace", uid, uid, uid);
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
