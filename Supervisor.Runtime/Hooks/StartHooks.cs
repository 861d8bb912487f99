using System.Runtime.CompilerServices;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Runtime.Hooks;

/// <summary>
/// Steps by which the init runs the startContainer hooks in the container, after the start and before the user's program.
/// The init still runs the stub, which can clone, wait and compare a word, but not branch freely:
/// <code>
///   memfd ◀ state;  clone3(VM|VFORK) ─▶ dup3(memfd, 0), dup3(another memfd, 1 and 2), execve(hook)
///   ppoll(pidfd, timeout) ─ 0 ▶ report {-3, i}, SIGKILL, exit
///   waitid, futex(status == 0?) ─ no ▶ report {-2, i}, the siginfo and the beginning of the output, exit
/// </code>
/// </summary>
internal static class StartHooks
{
    /// <summary>
    /// The first number of the report of a failed hook; the siginfo's bytes 8 to 32 follow it, then the hook's output.
    /// </summary>
    public const long Failed = -2;

    /// <summary>The first number of the report of a hook that timed out.</summary>
    public const long TimedOut = -3;

    /// <summary>The last descriptor that the stub uses while hooks run.</summary>
    public const int LastSlot = InitStub.SocketFd + 3;

    /// <summary>How much of a failed hook's output its error quotes.</summary>
    public const int OutputKept = 4096;

    private const int StateSlot = InitStub.SocketFd + 1, PidfdSlot = StateSlot + 1, OutputSlot = PidfdSlot + 1, P_PIDFD = 3,
        WEXITED = 4, POLLIN = 1, SIGKILL = 9;
    private const int FUTEX_WAIT_PRIVATE = 128, MFD_CLOEXEC = 1, SiginfoSize = 128, StatusOffset = 24;

    /// <summary>Adds the steps.</summary>
    /// <param name="state">As the container sees it.</param>
    /// <param name="filter">The filter that they run under, where the init has not installed it yet; null for none.</param>
    public static void Add(LaunchProgram program, IReadOnlyList<HookSpec> hooks, ReadOnlySpan<byte> state, SeccompFilter? filter)
    {
        if (hooks.Count == 0) return;
        var text = program.Values(state);
        for (var i = 0; i < hooks.Count; i++) Add(program, hooks[i], i, text, state.Length, filter);
    }

    private static void Add(LaunchProgram program, HookSpec hook, int index, DataRef state, int length, SeccompFilter? filter)
    {
        var name = $"hooks.startContainer[{index}] \"{hook.Path}\"";
        FdSlots.Keep(program, program.Add(Syscall.memfd_create, name, program.Text("hook-state"), MFD_CLOEXEC), StateSlot);
        program.Add(Syscall.write, name, StateSlot, state, length).AtLeast(length);
        program.Add(Syscall.lseek, name, StateSlot, 0, 0);

        FdSlots.Keep(program, program.Add(Syscall.memfd_create, name, program.Text("hook-output"), MFD_CLOEXEC), OutputSlot);
        var clone = program.Value(
            new CloneArgs { flags = CloneFlags.CLONE_VM | CloneFlags.CLONE_VFORK | CloneFlags.CLONE_PIDFD,
            exit_signal = 17 /* SIGCHLD */ });
        var isParent = program.Add(Syscall.clone3, name, clone, Unsafe.SizeOf<CloneArgs>()).SkippingOnPositive();
        program.Add(Syscall.dup3, name, StateSlot, 0, 0);
        program.Add(Syscall.dup3, name, OutputSlot, 1, 0);
        program.Add(Syscall.dup3, name, OutputSlot, 2, 0);
        ProgramSteps.UnblockSignals(program);
        // a listener gets one descriptor, that of the program's filter
        if (filter is { Listens: false }) SeccompSteps.Add(program, filter, null);
        program.Add(Syscall.execve, hook.Path, program.Text(hook.Path),
            program.Strings(hook.Args.Count > 0 ? hook.Args : [hook.Path]), program.Strings(hook.Env))
            .Called($"{name}: exec");
        isParent.SkipsToHere();

        program.PutPointerToNext(new DataRef(clone.Offset + sizeof(ulong)), 0);
        program.Add(Syscall.dup3, name, 0, PidfdSlot, (long)OpenFlags.O_CLOEXEC).Tolerating(Errno.EINVAL);
        var poll = program.Values<int>([PidfdSlot, POLLIN]);
        Operand timeout = hook.Timeout is { } seconds ? program.Values<long>([seconds, 0]) : 0;
        var ended = program.Add(Syscall.ppoll, name, poll, 1, timeout, 0, 0).SkippingOnPositive();
        Report(program, TimedOut, index);
        program.Add(Syscall.pidfd_send_signal, name, PidfdSlot, SIGKILL, 0, 0);
        program.Add(Syscall.exit_group, "127", 127);
        ended.SkipsToHere();

        var info = program.Values<byte>(new byte[SiginfoSize]);
        var status = new DataRef(info.Offset + StatusOffset);
        program.Add(Syscall.waitid, name, P_PIDFD, PidfdSlot, info, WEXITED, 0);
        // Status 0: futex waits for a timeout of 0 (ETIMEDOUT). Else EAGAIN, and the steps of the report follow. futex(2).
        var good = program.Add(Syscall.futex, name, status, FUTEX_WAIT_PRIVATE, 0, program.Values<long>([0, 0]))
            .Tolerating(Errno.ETIMEDOUT).IgnoringErrors();
        Report(program, Failed, index);
        program.Add(Syscall.write, name, InitStub.SocketFd, new DataRef(info.Offset + 8), 24).AtLeast(24);
        program.Add(Syscall.lseek, name, OutputSlot, 0, 0);
        var output = program.Values<byte>(new byte[OutputKept]);
        program.Add(Syscall.read, name, OutputSlot, output, OutputKept).IntoNext(2);
        program.Add(Syscall.write, name, InitStub.SocketFd, output, 0).IgnoringErrors();
        program.Add(Syscall.exit_group, "127", 127);
        good.SkipsToHere();
    }

    private static void Report(LaunchProgram program, long what, int index) =>
        program.Add(Syscall.write, "a failed hook", InitStub.SocketFd, program.Values<long>([what, index]), 16).AtLeast(16);
}
