using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// What a process does in the stub, in its own memory: identity, the wait, the user's program. Shared by init and exec.
/// </summary>
internal sealed record SecondHalf(ProcessSpec Process)
{
    private const uint CLOSE_RANGE_CLOEXEC = 4;
    private const int GetcwdSize = 4096;

    /// <summary>Whether setgroups(2) is allowed in its user namespace.</summary>
    public bool MaySetGroups { get; init; } = true;

    /// <summary>The filter of system calls; null for none.</summary>
    public SeccompFilter? Seccomp { get; init; }

    /// <summary>The receiver of the filter's notifications; null for none.</summary>
    public SeccompListener? Listener { get; init; }

    /// <summary>Hooks that run before the program.</summary>
    public IReadOnlyList<HookSpec> StartHooks { get; init; } = [];

    /// <summary>Their standard input.</summary>
    public byte[] State { get; init; } = [];

    /// <summary>A time namespace to enter; null for none. A descriptor number that the first half left open.</summary>
    public int? TimeNamespace { get; init; }

    /// <summary>Descriptor numbers that the first half left open, to become 3, 4 and so on.</summary>
    public IReadOnlyList<int> Inherited { get; init; } = [];

    /// <summary>Name of a new session keyring, empty for none; null to keep the runtime's.</summary>
    public string? Keyring { get; init; }

    /// <summary>The container's, for its personality and memory policy; null where it is not known.</summary>
    public LinuxSpec? Linux { get; init; }

    /// <summary>The <see cref="StartSocket"/> that the first half left open; null for a start over the init's socket.</summary>
    public int? Starter { get; init; }

    /// <summary>Whether the process stays as the program's init: see <see cref="InitSteps"/>.</summary>
    public bool StaysAsInit { get; init; }

    /// <summary>The descriptor numbers that are in use in the stub.</summary>
    public IEnumerable<int> Taken =>
        [.. Inherited, .. Starter is { } starter
            ? [starter] : (int[])[], .. TimeNamespace is { } time
            ? [time] : (int[])[], .. Listener is { } listener ? [listener.Socket] : (int[])[]];

    /// <summary>Whether the process reports its calls: <see cref="LaunchProgram.TraceReports"/>.</summary>
    public bool IsTraced { get; init; }

    public LaunchProgram Compile()
    {
        const int KEYCTL_JOIN_SESSION_KEYRING = 1;
        var program = new LaunchProgram();
        IdentitySteps.HideMemory(program);
        program.Add(Syscall.close_range, "all but the standard streams, at exec", 3, uint.MaxValue, CLOSE_RANGE_CLOEXEC);
        EarlySignals.Handle(program);
        if (TimeNamespace is { } time) program.Add(Syscall.setns, "time", time, (long)CloneFlags.CLONE_NEWTIME);
        if (Keyring is { } name)
            program.Add(Syscall.keyctl, name, KEYCTL_JOIN_SESSION_KEYRING, name.Length == 0 ? 0 : program.Text(name))
                .Tolerating(Errno.ENOSYS);
        SchedulingSteps.Add(program, Process);
        MemoryPolicySteps.Add(program, Linux?.MemoryPolicy);
        if (Linux?.Personality?.Domain is { } domain) program.Add(Syscall.personality, domain, domain is "LINUX32" ? 8 : 0);
        new LabelSteps(Process).Add(program, Taken);
        IdentitySteps.LimitRights(program, Process);
        program.Add(Syscall.umask, null, Process.User.Umask ?? 0x12 /* 0022 */);
        // With all rights first, as in runc: the directory may be one that the process's user cannot enter.
        var entered = program.Add(Syscall.chdir, Process.Cwd, program.Text(Process.Cwd)).IgnoringErrors().SkippingOnSuccess();
        BecomeUser(program);
        program.Add(Syscall.chdir, Process.Cwd, program.Text(Process.Cwd)).Called($"chdir to process.cwd \"{Process.Cwd}\"");
        var done = CheckWorkingDirectory(program);
        entered.SkipsToHere();
        CheckWorkingDirectory(program).SkipsToHere(); // before a filter that may forbid it
        BecomeUser(program);
        done.SkipsToHere();
        EarlySignals.Admit(program);
        var traced = program.Count;
        program.Add(Syscall.write, "ready", InitStub.SocketFd, program.Values<long>([-1, 0]), 16).AtLeast(16);
        if (Starter is { } place) StartSocket.Await(program, place);
        else program.Add(Syscall.read, "start", InitStub.SocketFd, program.Value(0L), 1).AtLeast(1);
        EarlySignals.Block(program);
        Runtime.Hooks.StartHooks.Add(program, StartHooks, State, Process.NoNewPrivileges ? Seccomp : null);
        LeaveOpen(program);
        if (StaysAsInit) InitSteps.AdoptOrphans(program);
        else ProgramSteps.UnblockSignals(program); // before a filter that may forbid it
        if (Seccomp is not null && Process.NoNewPrivileges) SeccompSteps.Add(program, Seccomp, Listener);
        if (StaysAsInit)
        {
            InitSteps.Spawn(program, Process);
            ProgramSteps.UnblockSignals(program);
        }
        new ProgramSteps(Process).Execute(program);
        if (IsTraced) program.TraceReports(Enumerable.Range(0, traced).FirstOrDefault(IsFilter, traced), InitStub.SocketFd);
        return program;

        bool IsFilter(int step) => program.NumberOf(step) == Syscall.seccomp;
    }

    private void BecomeUser(LaunchProgram program)
    {
        // Without no_new_privs it needs CAP_SYS_ADMIN, so it is added before that is dropped; with it, as late as possible.
        if (Seccomp is not null && !Process.NoNewPrivileges) SeccompSteps.Add(program, Seccomp, Listener);
        IdentitySteps.Change(program, Process, MaySetGroups);
    }

    /// <summary>
    /// Checks the working directory: getcwd(2) begins with "(unreachable)" outside the root, where an image's symlink to a
    /// descriptor may lead (CVE-2024-21626). A futex does the comparison: equal is ETIMEDOUT.
    /// </summary>
    /// <returns>The last step, which continues where its skip ends if the directory is valid.</returns>
    private LaunchProgram.Step CheckWorkingDirectory(LaunchProgram program)
    {
        const int FUTEX_WAIT_PRIVATE = 128;
        var unreachable = BitConverter.ToUInt32("(unr"u8);
        var place = program.Values<byte>(new byte[GetcwdSize]);
        var what = $"process.cwd \"{Process.Cwd}\" must be inside the container";
        program.Add(Syscall.getcwd, Process.Cwd, place, GetcwdSize).AtLeast(2).Called(what);
        return program.Add(Syscall.futex, Process.Cwd, place, FUTEX_WAIT_PRIVATE, unreachable, program.Values<long>([0, 0]))
            .Tolerating(Errno.EAGAIN).Called(what);
    }

    /// <summary>
    /// Moves our socket away (its end of file reports a successful exec) and puts the inherited descriptors in its place.
    /// </summary>
    private void LeaveOpen(LaunchProgram program)
    {
        if (Inherited.Count == 0) return;
        var socket = Math.Max(InitStub.SocketFd + Inherited.Count, Taken.Max() + 1);
        program.Add(Syscall.dup3, "the init's socket", InitStub.SocketFd, socket, (long)OpenFlags.O_CLOEXEC)
            .IntoStub(InitStub.ErrorFdAddress);
        for (var i = 0; i < Inherited.Count; i++)
            program.Add(Syscall.dup3, $"inherited descriptor {InitStub.SocketFd + i}", Inherited[i], InitStub.SocketFd + i, 0);
    }
}
