using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Steps for <see cref="ProcessSpec.Init"/>: the process in the stub spawns the one that executes the program, and stays as its
/// init. It reaps orphans, forwards signals, and exits with the program's status. Decision record 0090.
/// </summary>
/// <remarks>
/// <code>
///   pid 1 (the stub)  clone ──────────▶ program: its own process group, the terminal's foreground, execve
///    │ close 3 and above, so that the end of file on the socket means the exec
///    │ rt_sigtimedwait ◀── any signal
///    │   SIGCHLD: wait4 until none is left; the program's exit: exit with its status, or 128 + its signal
///    ▼   another: kill(program)
/// </code>
/// Both have the same user, capabilities and seccomp filter: an init with more rights would be an escape for a program that may
/// trace it. Every signal has been blocked since clone, so none is lost before the first wait.
/// </remarks>
internal static class InitSteps
{
    private const int PR_SET_DUMPABLE = 4, PR_SET_NAME = 15, PR_SET_CHILD_SUBREAPER = 36, SIGCHLD = 17;
    private const long TIOCSPGRP = 0x5410;

    /// <summary>Adopts orphans even where it is not pid 1 of a pid namespace. Before a filter that may not allow it.</summary>
    public static void AdoptOrphans(LaunchProgram program) =>
        program.Add(Syscall.prctl, "PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1);

    /// <summary>Adds the spawn. Steps added after it run in the program's process.</summary>
    /// <param name="process">The program; with a terminal, its standard input is the session's.</param>
    public static void Spawn(LaunchProgram program, ProcessSpec process)
    {
        var pid = program.Value(0L);
        // Not clone3: seccomp profiles answer it with ENOSYS, since they cannot inspect its flags.
        var isInit = program.Add(Syscall.clone, "the program's process", SIGCHLD).Into(pid).SkippingOnPositive()
            .Called("spawn the program from the init");
        var isProgram = program.Add(Syscall.setpgid, "the program's process group", 0, 0).SkippingOnSuccess();
        isInit.SkipsToHere();
        Stay(program, process, pid);
        isProgram.SkipsToHere();
        if (!process.Terminal) return;
        var own = program.Value(0L);
        program.Add(Syscall.getpid, null).Into(own);
        // The terminal's keys signal its foreground group, which must not be the init's: an init ignores them. tcsetpgrp(3).
        program.Add(Syscall.ioctl, "TIOCSPGRP", 0, TIOCSPGRP, own).Called("give the program the terminal's foreground");
    }

    private static void Stay(LaunchProgram program, ProcessSpec process, DataRef child)
    {
        program.Add(Syscall.prctl, "PR_SET_NAME", PR_SET_NAME, program.Text("init")).IgnoringErrors();
        IdentitySteps.DropAsAtExec(program, process);
        var all = program.Value(ulong.MaxValue);
        // While an error can still be reported: a filter that forbids the wait would make an init that cannot serve.
        program.Add(Syscall.rt_sigtimedwait, null, program.Value(0UL), 0, program.Values<long>([0, 0]), 8)
            .Tolerating(Errno.EAGAIN).Called("the init's wait for signals");
        program.Add(Syscall.close_range, "all but the standard streams", 3, uint.MaxValue, 0)
            .Called("close the init's descriptors");
        // This memory holds nothing that the program's does not; if not dumpable, /proc/1 would belong to the host's root.
        program.Add(Syscall.prctl, "PR_SET_DUMPABLE", PR_SET_DUMPABLE, 1).IgnoringErrors();
        program.Add(Syscall.rt_sigtimedwait, null, all, 0, 0, 8, child).ServingAsInit().Called("serve as init");
    }
}
