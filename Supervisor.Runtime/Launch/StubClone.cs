using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// Clones into a pid namespace that has other processes. One with CAP_SYS_PTRACE can inspect a new process there from its first
/// moment, so the process must share nothing with us by then: no memory, executable or descriptors (CVE-2016-9962).
/// </summary>
/// <remarks>
/// <code>
///   us ── clone3, in our memory ─▶ first: execveat(stub), in no pid namespace of the container's
///    │── the entry ──────────────▶ first: setns, clone3(CLONE_PARENT) of the stub ─▶ second: session, terminal, ...
///    │◀─ exit 0 ────────────────── first
///    │── the second half ─────────────────────────────────────────────────────────▶ second: as InitStub draws it
/// </code>
/// The process whose step fails reports it over the socket, as {offset, result}.
/// </remarks>
internal static class StubClone
{
    /// <summary>Adds the steps in which the first process clones the second. Steps added after them run in the second.</summary>
    /// <param name="entry">What the first does in the stub.</param>
    /// <param name="namespaces">Created by the clone.</param>
    public static void Add(LaunchProgram entry, CloneFlags namespaces)
    {
        var arguments = entry.Value(new CloneArgs
        {
            flags = namespaces | CloneFlags.CLONE_PARENT | CloneFlags.CLONE_PARENT_SETTID,
            parent_tid = PidPage.Address,
            exit_signal = 0, // with CLONE_PARENT it is the first's own: clone3(2) refuses any other
        });
        var isFirst = entry.Add(Syscall.clone3, "in the container", arguments, Unsafe.SizeOf<CloneArgs>()).SkippingOnPositive();
        var isSecond = entry.Add(Syscall.setsid, null).SkippingOnSuccess();
        isFirst.SkipsToHere();
        entry.Add(Syscall.exit_group, "0", 0);
        isSecond.SkipsToHere();
    }

    /// <summary>Runs both programs until the second process exists.</summary>
    /// <param name="launch">
    /// Ends in the execveat of the stub, with our peer's end of the socket as its <see cref="InitStub.SocketFd"/>.
    /// </param>
    /// <param name="entry">Contains the steps of <see cref="Add"/>, and ends in <see cref="InitStub.Continue"/>.</param>
    /// <param name="sockets">Ours and the child's end; the child's is closed here.</param>
    /// <param name="cgroup">A cgroup v2 directory to clone into, or null.</param>
    /// <param name="name">The process's name in messages.</param>
    /// <exception cref="LaunchException">A step failed before the second clone, or that did not happen. Both processes are
    /// gone.</exception>
    /// <param name="pauses">Where the second waits for us; null where it does not.</param>
    public static LaunchedProcess Run(
        LaunchProgram launch, LaunchProgram entry, PidPage page, StreamSocket.Pair sockets, Fd? cgroup, string name,
        CancellationToken deadline, LaunchPauses? pauses = null)
    {
        pauses?.Begin(() => page.Pid, deadline);
        LaunchedProcess second;
        try
        {
            second = Run(launch, entry, page, sockets, cgroup, name, deadline);
        }
        finally
        {
            pauses?.End(); // the second has passed them, or has exited
        }
        return Launcher.ThrowIfPauseFailed(second, pauses);
    }

    private static LaunchedProcess Run(
        LaunchProgram launch, LaunchProgram entry, PidPage page, StreamSocket.Pair sockets, Fd? cgroup, string name,
        CancellationToken deadline)
    {
        var first = Launcher.Launch(launch, CloneFlags.None, cgroup, deadline);
        sockets.Theirs.Dispose(); // or we would not see the end of file when the children exit
        ExitStatus? end = null;
        using (first.Pidfd)
        {
            try
            {
                InitStub.Send(sockets.Ours, entry, null, deadline);
                while (!first.Pidfd.WaitForExit(TimeSpan.FromMilliseconds(100))) deadline.ThrowIfCancellationRequested();
                end = first.Pidfd.Reap();
            }
            finally
            {
                if (end is null)
                {
                    first.Pidfd.TrySignal(Signal.SIGKILL);
                    first.Pidfd.Reap();
                    Second(page)?.End();
                }
            }
        }
        // It is our child, so the pid is not reused before we reap it.
        var second = Second(page);
        if (second is not null && end is { Code: 0 }) return second;
        second?.End();
        Span<byte> record = stackalloc byte[16];
        if (sockets.Ours.Receive(record, deadline) < record.Length)
            throw new LaunchException(name, Errno.None, "it was killed before its exec", 0, 0);
        var offset = InitStub.OffsetInSecondHalf(BinaryPrimitives.ReadInt64LittleEndian(record), null);
        throw Launcher.Failure(entry, offset, BinaryPrimitives.ReadInt64LittleEndian(record[8..]));
    }

    private static LaunchedProcess? Second(PidPage page) =>
        page.Pid is > 0 and var pid && Pidfd.TryOpen(pid) is { } pidfd ? new LaunchedProcess(pid, pidfd) : null;
}
