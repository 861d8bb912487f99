using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Launch;

/// <summary>A container's init, set up and waiting before its program. Disposing it before <see cref="Release"/> ends it.</summary>
/// <remarks>The talk with it is drawn at <see cref="InitStub"/>.</remarks>
internal sealed class HeldInit : IDisposable
{
    private readonly LaunchProgram _secondHalf;
    private readonly StreamSocket _socket;

    private HeldInit(LaunchedProcess process, LaunchProgram secondHalf, StreamSocket socket, Fd? terminal) =>
        (Process, _secondHalf, _socket, Terminal) = (process, secondHalf, socket, terminal);

    /// <summary>The init.</summary>
    public LaunchedProcess Process { get; }

    /// <summary>The master of its terminal, or null; the caller's to keep.</summary>
    public Fd? Terminal { get; }

    /// <summary>Gives birth to the init and waits until it holds before its program.</summary>
    /// <param name="firstHalf">
    /// Ends in the execveat of <see cref="InitStub.File"/>; expects our peer's end of the socket as the descriptor
    /// that <paramref name="firstHalf"/> was compiled with.
    /// </param>
    /// <param name="sockets">Ours and the child's end; the child's is closed here.</param>
    /// <param name="sendsTerminal">The first half sends a terminal's master over the socket.</param>
    /// <exception cref="LaunchException">A step failed; nothing is left of the child.</exception>
    public static HeldInit Launch(
        LaunchProgram firstHalf, LaunchProgram secondHalf, CloneFlags namespaces, Fd? cgroup, StreamSocket.Pair sockets,
        bool sendsTerminal, CancellationToken deadline)
    {
        var process = Launcher.Launch(firstHalf, namespaces, cgroup, deadline);
        sockets.Theirs.Dispose();
        Fd? terminal = null;
        try
        {
            if (sendsTerminal) terminal = sockets.Ours.ReceiveDescriptor(deadline);
            sockets.Ours.Send(InitStub.Message(secondHalf), deadline);
            var held = new HeldInit(process, secondHalf, sockets.Ours, terminal);
            if (held.ReadRecord(deadline) is not { } record) throw Died("the init ended before it was ready");
            if (record.Offset >= 0) throw held.Failure(record);
            return held;
        }
        catch (Exception e)
        {
            new HeldInit(process, secondHalf, sockets.Ours, terminal).End();
            throw e is SyscallException { Errno: Errno.EPIPE or Errno.ECONNRESET }
                ? new LaunchException("init", Errno.None, "it was killed before it was ready", 0, 0) : e;
        }
    }

    /// <summary>Lets the init run its program.</summary>
    /// <exception cref="LaunchException">The program could not be executed; the init has ended or is about to.</exception>
    /// <exception cref="OperationCanceledException">No answer before the deadline: the program may still start.</exception>
    public void Release(CancellationToken deadline)
    {
        try
        {
            _socket.Send([1], deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            throw Died("the init was killed before it was started");
        }
        if (ReadRecord(deadline) is { } record) throw Failure(record);
    }

    /// <summary>Kills and collects it: for a creation that fails after all.</summary>
    public void End()
    {
        using (Process.Pidfd)
        {
            Process.Pidfd.TrySignal(Signal.SIGKILL);
            Process.Pidfd.Reap();
        }
        Terminal?.Dispose();
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private (long Offset, long Result)? ReadRecord(CancellationToken deadline)
    {
        Span<byte> bytes = stackalloc byte[16];
        var got = _socket.Receive(bytes, deadline);
        if (got < bytes.Length) return null;
        return (BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]));
    }

    private LaunchException Failure((long Offset, long Result) record)
    {
        var offset = InitStub.OffsetInSecondHalf(record.Offset);
        return offset >= 0 ? Launcher.Failure(_secondHalf, offset, record.Result) : Died("the init could not read its program");
    }

    private static LaunchException Died(string reason) => new("init", Errno.None, reason, 0, 0);
}
