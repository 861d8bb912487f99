using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// Steps of the stub that let a signal terminate a process that waits for its start. All signals are blocked from clone to exec,
/// and the kernel ignores the default action for the first process of a pid namespace, so it gets a handler, which exits with
/// 128 + the signal's number. Signals that are not listed stay pending for the program. pid_namespaces(7), sigaction(2).
/// </summary>
internal static class EarlySignals
{
    private const long SA_RESTORER = 0x04000000; // x86-64 delivers no signal without it; the handler never returns
    private const int SIG_BLOCK = 0, SIG_UNBLOCK = 1;

    private static readonly Signal[] Ending = [Signal.SIGHUP, Signal.SIGINT, Signal.SIGQUIT, Signal.SIGTERM];

    private static ulong Mask => Ending.Aggregate(0UL, (mask, signal) => mask | 1UL << (int)signal - 1);

    /// <summary>Installs the handler. To be added before a seccomp filter that may not allow it.</summary>
    public static void Handle(LaunchProgram program)
    {
        var handler = (long)InitStub.EarlyHandlerAddress;
        var action = program.Values<long>([handler, SA_RESTORER, handler, 0]);
        foreach (var signal in Ending) program.Add(Syscall.rt_sigaction, $"{signal} before the start", (int)signal, action, 0, 8);
    }

    /// <summary>Unblocks them during the wait.</summary>
    public static void Admit(LaunchProgram program) => Change(program, SIG_UNBLOCK);

    /// <summary>Blocks them again: from here on they are for the program.</summary>
    public static void Block(LaunchProgram program) => Change(program, SIG_BLOCK);

    private static void Change(LaunchProgram program, int how) =>
        program.Add(Syscall.rt_sigprocmask, "signals before the start", how, program.Value(Mask), 0, 8);
}
