using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Launch;

/// <summary>A new process, past its exec.</summary>
/// <param name="Pid">In our pid namespace; for printing and for journals, never for signalling.</param>
/// <param name="Pidfd">Owned by the caller.</param>
internal sealed record LaunchedProcess(int Pid, Pidfd Pidfd)
{
    /// <summary>Kills and reaps it.</summary>
    public void End()
    {
        using (Pidfd)
        {
            Pidfd.TrySignal(Signal.SIGKILL);
            Pidfd.Reap();
        }
    }
}

/// <summary>
/// Spawns processes: the only place in the product that does. The child shares our memory until its exec while this thread
/// waits for it (CLONE_VM | CLONE_VFORK), so nothing is copied and a failure is read where it happened.
/// </summary>
/// <remarks>
/// Call it on a thread that may block. Decision record 0001 has the measurements behind it. The child has its own
/// copy of the descriptor table, and runs with every signal blocked until its program unblocks them.
/// </remarks>
internal static unsafe class Launcher
{
    private const int SIGCHLD = 17;

    /// <summary>Runs <paramref name="program"/> in a new child until its exec.</summary>
    /// <param name="namespaces">CLONE_NEW* flags.</param>
    /// <param name="cgroup">A cgroup v2 directory to clone into, or null.</param>
    /// <param name="deadline">When it is cancelled, the child is killed: a launch stuck in the kernel must not keep its
    /// thread.</param>
    /// <exception cref="LaunchException">A step failed, or the child died before its exec. Nothing is left of it.</exception>
    /// <param name="pauses">Where the program waits for us; null where it does not.</param>
    /// <param name="trace">Receives the calls of a traced program; null for one that is not.</param>
    public static LaunchedProcess Launch(
        LaunchProgram program, CloneFlags namespaces, Fd? cgroup, CancellationToken deadline, LaunchPauses? pauses = null,
        LaunchTrace? trace = null) =>
        Run(program, null, namespaces, cgroup, pauses, trace, deadline);

    /// <summary>
    /// Runs <paramref name="program"/> in a child that enters a pid namespace and clones the container's process there: our child
    /// too (CLONE_PARENT), which shares our memory until its exec. The first child is gone afterwards.
    /// </summary>
    /// <param name="pid">Where the program's clone3 puts the pid (CLONE_PARENT_SETTID): 32 bits, 0 before.</param>
    /// <inheritdoc cref="Launch(LaunchProgram, CloneFlags, Fd?, CancellationToken, LaunchPauses?, LaunchTrace?)"/>
    public static LaunchedProcess LaunchNested(
        LaunchProgram program, DataRef pid, Fd? cgroup, CancellationToken deadline, LaunchPauses? pauses = null,
        LaunchTrace? trace = null) =>
        Run(program, pid, CloneFlags.None, cgroup, pauses, trace, deadline);

    private static LaunchedProcess Run(
        LaunchProgram program, DataRef? nested, CloneFlags namespaces, Fd? cgroup, LaunchPauses? pauses,
        LaunchTrace? trace, CancellationToken deadline)
    {
        deadline.ThrowIfCancellationRequested();
        var contextSize = Unsafe.SizeOf<LaunchContext>();
        var size = contextSize + program.Size;
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)size, 64);
        try
        {
            var context = (LaunchContext*)memory;
            var records = (ulong)(memory + contextSize);
            *context = new LaunchContext
            {
                CloneArgsAddress = (ulong)&context->CloneArgs,
                CloneArgsSize = (ulong)sizeof(CloneArgs),
                Records = records,
                AllSignals = ulong.MaxValue,
                ErrorFd = -1,
                FailedOffset = -1,
                Pidfd = -1,
                CloneArgs = new CloneArgs
                {
                    flags = namespaces | CloneFlags.CLONE_VM | CloneFlags.CLONE_VFORK | CloneFlags.CLONE_PIDFD
                        | CloneFlags.CLONE_PARENT_SETTID | CloneFlags.CLONE_CLEAR_SIGHAND
                        | (cgroup is null ? CloneFlags.None : CloneFlags.CLONE_INTO_CGROUP),
                    pidfd = (ulong)&context->Pidfd,
                    parent_tid = (ulong)&context->ParentTid,
                    exit_signal = SIGCHLD,
                    cgroup = cgroup is null ? 0 : (ulong)cgroup.Number,
                },
            };
            program.Assemble(new Span<byte>((void*)records, program.Size), records);

            nint pid;
            // SAFETY: the registration is disposed, waiting for a running callback, before the memory is freed.
            var pidPlace = nested is { } place ? (nint)(records + (ulong)program.OffsetOf(place)) : (nint)(&context->ParentTid);
            // SAFETY: reads the pid while the child waits for us, so this call has not returned and the memory is there.
            pauses?.Begin(() => Volatile.Read(ref *(int*)pidPlace), deadline);
            using (deadline.UnsafeRegister(static state => KillThrough((LaunchContext*)(nint)state!), (nint)context))
                pid = LaunchRoutine.Run(context);
            trace?.Add(program.ReadTrace(new ReadOnlySpan<byte>((void*)records, program.Size), DateTimeOffset.UtcNow));
            pauses?.End();
            GC.KeepAlive(cgroup);
            if (pid < 0) throw new SyscallException("clone3", (Errno)(-pid), namespaces.ToString());

            var pidfd = new Pidfd((int)context->Pidfd);
            if (nested is not null) return ThrowIfPauseFailed(Second(program, context, pidfd, *(int*)pidPlace), pauses);
            if (context->FailedOffset < 0) return ThrowIfPauseFailed(new LaunchedProcess((int)pid, pidfd), pauses);
            using (pidfd) pidfd.Reap();
            throw Failure(program, context->FailedOffset, context->FailedResult);
        }
        catch (LaunchException) when (pauses?.Failure is { } failure)
        {
            failure.Throw(); // the child failed because our answer was to fail
            throw;
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>
    /// A child that was killed while it waited for us did not fail by itself: throws our own failure instead.
    /// </summary>
    public static LaunchedProcess ThrowIfPauseFailed(LaunchedProcess process, LaunchPauses? pauses)
    {
        if (pauses?.Failure is not { } failure) return process;
        process.End();
        failure.Throw();
        return process;
    }

    /// <summary>Reaps the first child and returns the second, which it cloned.</summary>
    /// <param name="pid">The second's; 0 if it was not cloned. It is our child, so the pid is not reused before we reap
    /// it.</param>
    private static LaunchedProcess Second(LaunchProgram program, LaunchContext* context, Pidfd first, int pid)
    {
        ExitStatus? end;
        using (first) end = first.Reap();
        var second = pid == 0 ? null : Pidfd.TryOpen(pid);
        if (second is not null && context->FailedOffset < 0 && end is { Code: 0 }) return new LaunchedProcess(pid, second);
        // The first may have been killed while the second still runs in our memory: it must be gone before we free the memory.
        if (second is not null) new LaunchedProcess(pid, second).End();
        throw context->FailedOffset >= 0
            ? Failure(program, context->FailedOffset, context->FailedResult)
            : new LaunchException("enter the container", Errno.None, "it was killed before its exec", 0, 0);
    }

    /// <summary>The exception for a failure that the routine recorded.</summary>
    /// <param name="offset">In bytes from the program's first record.</param>
    public static LaunchException Failure(LaunchProgram program, long offset, long result)
    {
        var index = (int)(offset / Unsafe.SizeOf<LaunchRecord>());
        return new LaunchException(
            program.Describe(index), result < 0
                ? (Errno)(-result) : Errno.None, $"returned only {result} bytes", index + 1, program.Count);
    }

    private static void KillThrough(LaunchContext* context)
    {
        var pidfd = (int)Volatile.Read(ref context->Pidfd);
        if (pidfd >= 0) Pidfd.TrySignal(pidfd, Signal.SIGKILL);
    }
}
