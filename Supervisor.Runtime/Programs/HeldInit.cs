using System.Buffers.Binary;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// A container's init, set up and waiting before its program. Disposing it before <see cref="Release"/> makes it exit.
/// </summary>
/// <remarks><see cref="InitStub"/> shows the wire protocol.</remarks>
internal sealed class HeldInit : IDisposable
{
    private LaunchProgram? _secondHalf; // until it is released; null in a process that adopted it
    private readonly LaunchProgram? _entry; // what the stub did before the second half, if it was a StubClone
    private readonly StreamSocket _socket;
    private readonly string _name;
    private LaunchTrace? _trace;

    private HeldInit(LaunchedProcess process, LaunchProgram? entry, LaunchProgram? secondHalf, StreamSocket socket,
        string name) =>
        (Process, _entry, _secondHalf, _socket, _name) = (process, entry, secondHalf, socket, name);

    /// <summary>Adopts one that another process of ours created and handed over.</summary>
    public static HeldInit Resume(LaunchedProcess process, Fd socket, string name) =>
        new(process, null, null, new StreamSocket(socket), name);

    /// <summary>Our end of its socket, to be handed over.</summary>
    public Fd Socket => _socket.Fd;

    /// <summary>The init.</summary>
    public LaunchedProcess Process { get; }

    /// <summary>The master of its terminal, or null; owned by the caller.</summary>
    public Fd? Terminal { get; private set; }

    /// <summary>Spawns the init and waits until it holds before its program.</summary>
    /// <param name="firstHalf">
    /// Ends in the execveat of <see cref="InitStub"/>; expects our peer's end of the socket as the descriptor
    /// that <paramref name="firstHalf"/> was compiled with.
    /// </param>
    /// <param name="sockets">Ours and the child's end; the child's is closed here.</param>
    /// <param name="sendsTerminal">The first half sends a terminal's master over the socket.</param>
    /// <exception cref="LaunchException">A step failed; nothing is left of the child.</exception>
    /// <param name="entry">What a <see cref="StubClone"/> does between the two; null for a single clone.</param>
    /// <param name="nestedPid">Where the first half's second clone stores the pid; null for a single clone.</param>
    /// <param name="secondHalf">Compiled for the init's pid in our namespace.</param>
    /// <param name="pauses">Where the first half waits for us; null where it does not.</param>
    /// <param name="trace">Receives the calls of halves that are traced; owned by this object from now on. Null for none.</param>
    public static HeldInit Launch(
        LaunchProgram firstHalf, (LaunchProgram Program, PidPage Page)? entry, DataRef? nestedPid,
        Func<int, LaunchProgram> secondHalf, CloneFlags namespaces, Fd? cgroup,
        StreamSocket.Pair sockets, bool sendsTerminal, LaunchPauses? pauses, LaunchTrace? trace, CancellationToken deadline)
    {
        var process = entry is { } e ? StubClone.Run(firstHalf, e.Program, e.Page, sockets, cgroup, "init", deadline, pauses)
            : nestedPid is { } place
            ? Launcher.LaunchNested(firstHalf, place, cgroup, deadline, pauses, trace)
            : Launcher.Launch(firstHalf, namespaces, cgroup, deadline, pauses, trace);
        LaunchProgram second;
        try
        {
            second = secondHalf(process.Pid);
        }
        catch
        {
            process.End();
            throw;
        }
        return Take(process, "init", second, sockets, sendsTerminal, deadline, entry?.Program, trace);
    }

    /// <summary>As <see cref="Launch"/>, for a process that exists already.</summary>
    /// <param name="name">Its name in messages.</param>
    /// <param name="entry">What it did in the stub before, if it comes from a <see cref="StubClone"/>.</param>
    public static HeldInit Take(
        LaunchedProcess process, string name, LaunchProgram secondHalf, StreamSocket.Pair sockets, bool sendsTerminal,
        CancellationToken deadline, LaunchProgram? entry = null, LaunchTrace? trace = null)
    {
        sockets.Theirs.Dispose();
        var held = new HeldInit(process, entry, secondHalf, sockets.Ours, name) { _trace = trace };
        try
        {
            if (sendsTerminal) held.ReceiveTerminal(deadline);
            InitStub.Send(sockets.Ours, secondHalf, entry, deadline);
            if (held.ReadRecord(deadline) is not { } record) throw held.Died("it exited before it was ready");
            trace?.End(DateTimeOffset.UtcNow, record.Offset >= 0 ? record.Result : null);
            if (record.Offset >= 0) throw held.Failure(record);
            return held;
        }
        catch (Exception e)
        {
            held.End();
            throw e is SyscallException { Errno: Errno.EPIPE or Errno.ECONNRESET }
                ? new LaunchException(name, Errno.None, "it was killed before it was ready", 0, 0) : e;
        }
    }

    /// <summary>Lets the init run its program.</summary>
    /// <exception cref="LaunchException">The program could not be executed; the init has exited or is about to.</exception>
    /// <exception cref="OperationCanceledException">No answer before the deadline: the program may still start.</exception>
    public void Release(CancellationToken deadline)
    {
        var begin = DateTimeOffset.UtcNow;
        try
        {
            _socket.Send([1], deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            // An adopted init may have been started by the previous daemon: then it runs, or has run, its program, and its
            // watcher receives the exit.
            if (_secondHalf is not null) throw Died("it was killed before it was started");
        }
        var failed = ReadRecord(deadline);
        TraceStart(begin, failed);
        if (failed is { } record) throw Failure(record);
        _secondHalf = null;
        _socket.Dispose();
    }

    /// <summary>Kills and reaps it, when its creation fails after all.</summary>
    public void End()
    {
        Process.End();
        Terminal?.Dispose();
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _trace?.Dispose();
    }

    /// <summary>One byte with the terminal's master, or the record of a failure before it.</summary>
    private void ReceiveTerminal(CancellationToken deadline)
    {
        Span<byte> bytes = stackalloc byte[16];
        Terminal = _socket.ReceiveDescriptor(bytes[..1], deadline);
        if (Terminal is not null) return;
        throw _socket.Receive(bytes[1..], deadline) == bytes.Length - 1
            ? Failure(Record(bytes)) : Died("it exited before it was ready");
    }

    private (long Offset, long Result)? ReadRecord(CancellationToken deadline)
    {
        Span<byte> bytes = stackalloc byte[16], rest = stackalloc byte[LaunchProgram.TraceReportRest];
        while (_socket.Receive(bytes, deadline) == bytes.Length)
        {
            var record = Record(bytes);
            if (record.Offset != LaunchProgram.TraceReport || _secondHalf is null || _trace is null) return record;
            if (_socket.Receive(rest, deadline) < rest.Length) return null;
            var call = _secondHalf.ReadReport(record.Result, rest, out var last);
            _trace.Begin(call, record.Result > 0 && _secondHalf.IsReported(record.Result - 1) ? last : null);
        }
        return null;
    }

    /// <summary>What follows the wait for the start is traced as a whole: there is a filter of system calls in it.</summary>
    private void TraceStart(DateTimeOffset begin, (long Offset, long Result)? failed)
    {
        if (_trace is null) return;
        var what = failed switch
        {
            null => "execve",
            { Offset: >= 0 } record => Failure(record).Step,
            _ => "a startContainer hook",
        };
        var took = DateTimeOffset.UtcNow - begin;
        _trace.Add([new TracedCall($"from the start to {what}", begin, failed?.Result ?? 0, took, IsTolerant: false)]);
        _trace.Dispose();
    }

    private static (long Offset, long Result) Record(ReadOnlySpan<byte> bytes) =>
        (BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]));

    private LaunchException Failure((long Offset, long Result) record)
    {
        if (record.Offset is StartHooks.Failed or StartHooks.TimedOut) return HookFailure(_socket, record);
        if (_entry is not null && InitStub.OffsetInSecondHalf(record.Offset, null) is >= 0 and var early
            && early < InitStub.SizeOf(_entry))
            return Launcher.Failure(_entry, early, record.Result);
        var offset = InitStub.OffsetInSecondHalf(record.Offset, _entry);
        if (offset < 0) return Died("it could not read its program");
        return _secondHalf is not null
            ? Launcher.Failure(_secondHalf, offset, record.Result)
            : new LaunchException(
                "exec", record.Result < 0 ? (Errno)(-record.Result) : Errno.None, $"returned only {record.Result} bytes", 0, 0);
    }

    /// <summary>What the stub reported of a startContainer hook; the rest of it is still to be received.</summary>
    internal static LaunchException HookFailure(StreamSocket socket, (long Offset, long Result) record)
    {
        var name = $"{HookException.Words($"hooks.startContainer[{record.Result}]")}hooks.startContainer[{record.Result}]";
        if (record.Offset == StartHooks.TimedOut)
            return new LaunchException(name, Errno.None, "was killed after its timeout", 0, 0);
        Span<byte> info = stackalloc byte[24]; // siginfo_t from si_code on: code, padding, pid, uid, status
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var status = socket.Receive(info, soon.Token) == info.Length ? BinaryPrimitives.ReadInt32LittleEndian(info[16..]) : -1;
        var exited = BinaryPrimitives.ReadInt32LittleEndian(info) == 1; // CLD_EXITED
        var output = new byte[StartHooks.OutputKept];
        var printed = Encoding.UTF8.GetString(output, 0, socket.Receive(output, soon.Token)).TrimEnd();
        var end = exited ? $"exited with status {status}"
            : $"was killed by signal {status}{(status == (int)Signal.SIGSYS ? " (bad system call)" : "")}";
        return new LaunchException(name, Errno.None, end + (printed.Length == 0 ? "" : $"; it printed: {printed}"), 0, 0);
    }

    private LaunchException Died(string reason) => new(_name, Errno.None, reason, 0, 0);
}
