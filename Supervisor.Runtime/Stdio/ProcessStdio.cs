using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// The standard streams of one process. Output goes straight into the client's FIFO or file: it is not copied, and keeps working
/// when we exit. Only input (which must end at CloseIO), terminals and logs are relayed: a container never gets its log file
/// itself, because it could change its mode, truncate it or seek in it.
/// </summary>
internal sealed class ProcessStdio : IDisposable
{
    private readonly StdioTargets _targets;
    private readonly Fd? _stdinFifo, _stdinPipe, _terminalOutput;
    private readonly OutputStream _stdout, _stderr;
    private Pump? _input, _output;
    private Fd? _terminal;
    private LogBinary? _log;

    private ProcessStdio(
        StdioTargets targets, IReadOnlyList<Fd> forChild, Fd? stdinFifo, Fd? stdinPipe, Fd? terminalOutput,
            OutputStream? stdout = null, OutputStream? stderr = null) =>
        (_targets, ForChild, _stdinFifo, _stdinPipe, _terminalOutput, _stdout, _stderr) =
        (targets, forChild, stdinFifo, stdinPipe, terminalOutput, stdout ?? new OutputStream(), stderr ?? new OutputStream());

    /// <summary>The child's descriptors 0, 1 and 2; empty with a terminal. Closed here once it is spawned.</summary>
    public IReadOnlyList<Fd> ForChild { get; }

    /// <summary>Completes when all relayed output is written; at once where none is relayed.</summary>
    public Task Drained => Task.WhenAll(_output?.Ended ?? Task.CompletedTask, _stdout.Drained, _stderr.Drained);

    /// <summary>
    /// Completes when the relay is done: the process has exited, all output is written, and the FIFOs are read empty.
    /// </summary>
    public Task Finished => Task.WhenAll(Drained, _stdout.Read, _stderr.Read);

    /// <summary>Opens the targets.</summary>
    /// <param name="uid">The user of the process, which may reopen /dev/stdout.</param>
    /// <param name="onError">Receives the failure of a log that cannot be written.</param>
    /// <exception cref="InvalidStdioException">A target does not exist or is of the wrong kind. Nothing stays open.</exception>
    public static ProcessStdio Open(StdioTargets targets, uint uid, uint gid, Action<Exception> onError)
    {
        var opened = new List<IDisposable>();
        LogBinary? log = null;
        try
        {
            if (targets == StdioTargets.Console) return new ProcessStdio(targets, [], null, null, null);
            if (targets.Stdout.StartsWith(LogBinary.Scheme, StringComparison.Ordinal)) log = LogBinary.Start(targets.Stdout);
            if (targets.Terminal)
            {
                var pipe = PipeTarget.Is(targets.Stdout) ? PipeTarget.Parse(targets.Stdout, "stdout") : null;
                var rotating = Opened(OutputStream.OpenLog(pipe is null ? targets.Stdout : $"{pipe.Log}", "stdout", onError));
                var output = rotating is not null && pipe is null
                    ? null : Opened(log?.Stdout.Duplicate() ?? StdioFiles.OpenOutput(targets.Stdout, "stdout", blocking: false));
                if (log is not null) StdioFiles.SetNonBlocking(output!);
                var typed = targets.Stdin.Length == 0 ? null : Opened(StdioFiles.OpenInput(targets.Stdin));
                return new ProcessStdio(
                    targets, [], typed, null, output,
                    Opened(new OutputStream { Log = rotating, Unread = Held(output, targets.Stdout) })) { _log = log };
            }
            if (targets == StdioTargets.Inherited)
                return new ProcessStdio(
                    targets, [.. Enumerable.Range(0, 3).Select(n => Opened(NullDevice.InPlaceOf(Fd.DuplicateOf(n)))!)],
                    null, null, null);
            foreach (var (field, target) in (
                ReadOnlySpan<(string, string)>)[("stdout", targets.Stdout), ("stderr", targets.Stderr)])
                if (PipeTarget.Is(target) && PipeTarget.Parse(target, field).Log is not null)
                    throw new InvalidStdioException(
                        field, $"\"{target}\": log: only a terminal's output is relayed, so only that can also go to a log");
            Fd stdin, fifo = null!, input = null!;
            if (targets.Stdin.Length == 0)
            {
                stdin = Opened(NullDevice.Open(OpenFlags.O_RDONLY))!;
            }
            else
            {
                fifo = Opened(StdioFiles.OpenInput(targets.Stdin))!;
                (stdin, input) = Pipe.Create();
                Opened(stdin);
                Opened(input);
            }
            var (stdout, outStream) = OpenOutput(targets.Stdout, "stdout", log?.Stdout);
            // containerd sends both streams of a file:// URI to the one file of stdout.
            var sameFile = LogTarget.Is(targets.Stdout) && (targets.Stderr.Length == 0 || targets.Stderr == targets.Stdout);
            if (!sameFile && outStream.Log is { } first && LogTarget.Is(targets.Stderr)
                && LogTarget.Parse(targets.Stderr, "stderr").Path == first.Target.Path)
                throw new InvalidStdioException("stderr", $"\"{targets.Stderr}\" is stdout's file, but its limits differ");
            var (stderr, errStream) = !sameFile ? OpenOutput(targets.Stderr, "stderr", log?.Stderr)
                : outStream.Log is { Target.Format: LogFormat.Cri } both ? IntoLog(Opened(both.ForErrors())!)
                : (Opened(stdout.Duplicate())!, new OutputStream());
            foreach (var stream in (Fd[])[stdin, stdout, stderr]) StdioFiles.GiveTo(stream, uid, gid);
            return new ProcessStdio(targets, [stdin, stdout, stderr], fifo, input, null, outStream, errStream) { _log = log };
        }
        catch
        {
            foreach (var one in opened) one.Dispose();
            log?.Dispose();
            throw;
        }

        T? Opened<T>(T? one) where T : class, IDisposable
        {
            if (one is not null) opened.Add(one);
            return one;
        }

        UnreadOutput? Held(Fd? output, string target) =>
            output is null || log is not null || PipeTarget.Is(target) ? null : Opened(UnreadOutput.TryHold(output));

        (Fd ForChild, OutputStream Stream) IntoLog(LogStream rotating)
        {
            var (writing, stream) = OutputStream.Into(rotating);
            Opened(writing);
            Opened(stream);
            return (writing, stream);
        }

        (Fd ForChild, OutputStream Stream) OpenOutput(string target, string field, Fd? binary)
        {
            if (Opened(OutputStream.OpenLog(target, field, onError)) is { } rotating) return IntoLog(rotating);
            var stream = Opened(binary?.Duplicate() ?? StdioFiles.OpenOutput(target, field, blocking: true))!;
            return (stream, new OutputStream { Unread = Held(stream, target) });
        }
    }

    /// <summary>After the spawn: closes the child's ends and starts to relay.</summary>
    /// <param name="terminal">The master of its terminal, which this now owns; null without one.</param>
    public void Connect(Lazy<EventLoop> relay, Fd? terminal)
    {
        foreach (var fd in ForChild) fd.Dispose();
        if (_log is not null)
        {
            _log.WatchWith(relay.Value);
            _log.Dispose(); // it exits when its pipes close, and the container holds them now
        }
        if (_targets == StdioTargets.Console) _terminal = terminal;
        else if (terminal is not null)
        {
            _terminal = terminal;
            StdioFiles.SetNonBlocking(terminal);
            _output = new Pump(relay.Value, terminal.Duplicate(), _terminalOutput, _stdout.Log);
            HangUpWhenReaderCloses();
            if (_stdinFifo is not null) _input = new Pump(relay.Value, _stdinFifo, terminal.Duplicate(), log: null);
        }
        else if (_stdinFifo is not null)
        {
            StdioFiles.SetNonBlocking(_stdinPipe!);
            _input = new Pump(relay.Value, _stdinFifo, _stdinPipe!, log: null);
        }
        foreach (var stream in (OutputStream[])[_stdout, _stderr])
            if (stream.Pipe is not null) stream.Relay(relay.Value);
    }

    /// <summary>Hangs the terminal up when the reader of its output is gone for good.</summary>
    private void HangUpWhenReaderCloses() => _output?.Ended.ContinueWith(
        _ =>
        {
            if (_output is { Broke: true } && _terminal is { IsClosed: false } terminal) TerminalHangUp.Of(terminal);
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>The process exited: what it has left in a FIFO is kept until it is read.</summary>
    public void OnProcessExited()
    {
        _stdout.Unread?.OnProcessExited();
        _stderr.Unread?.OnProcessExited();
    }

    /// <summary>What another process needs to relay in our place.</summary>
    /// <param name="stop">Whether we stop relaying; bytes that are read but not written are then handed over.</param>
    public StdioHandover HandOver(bool stop)
    {
        var (pendingInput, pendingOutput) = stop ? (_input?.Stop() ?? [], _output?.Stop() ?? []) : ([], (byte[])[]);
        var inputContinues = _input is { HasEnded: false };
        return new StdioHandover(
            _targets.Terminal, Open(_terminal), inputContinues ? Open(_stdinFifo) : null,
            inputContinues ? Open(_stdinPipe) : null,
            _output is { HasEnded: false }
                ? Open(_output.Destination) : null, pendingInput, pendingOutput, _input?.Ending ?? false,
            _stdout.HandOver(stop), _stderr.HandOver(stop));

        static Fd? Open(Fd? fd) => fd is { IsClosed: false } ? fd : null;
    }

    /// <summary>Continues the relay that another process hands over.</summary>
    public static ProcessStdio Resume(EventLoop relay, Action<Exception> onError, StdioHandover from)
    {
        var stdout = OutputStream.Resume(relay, from.Stdout, onError);
        var stderr = OutputStream.Resume(relay, from.Stderr, onError, beside: stdout);
        var stdio = new ProcessStdio(
            new StdioTargets("", "", "", from.Terminal), [], from.Input, from.InputPipe, from.Output, stdout, stderr) {
            _terminal = from.Master };
        if (from is { Terminal: true, Master: not null } && (from.Output is not null || stdout.Log is not null))
            stdio._output = new Pump(relay, from.Master.Duplicate(), from.Output, stdout.Log, from.PendingOutput);
        stdio.HangUpWhenReaderCloses();
        if (from.Input is not null && (from.Terminal ? from.Master?.Duplicate() : from.InputPipe) is { } destination)
            stdio._input = new Pump(relay, from.Input, destination, log: null, from.PendingInput);
        if (from.InputClosing) stdio._input?.EndWhenEmpty();
        return stdio;
    }

    /// <summary>Completes when no more input will be relayed; null where none ever is.</summary>
    public Task? InputEnded => _input?.Ended;

    /// <summary>The terminal's master, which the caller then owns; null without a <see cref="StdioTargets.Console"/>.</summary>
    public Fd? TakeTerminal()
    {
        if (_targets != StdioTargets.Console) return null;
        var terminal = _terminal;
        _terminal = null;
        return terminal;
    }

    /// <summary>Closes the process's input once what is in its FIFO has been read. A terminal's input cannot be closed.</summary>
    public void CloseInput()
    {
        if (!_targets.Terminal) _input?.EndWhenEmpty();
    }

    /// <summary>Sets the terminal's size. Without a terminal it does nothing, as containerd's clients expect.</summary>
    public void Resize(ushort columns, ushort rows)
    {
        if (_terminal is { IsClosed: false } terminal) TerminalSize.Set(terminal, columns, rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input?.Close();
        _output?.Close();
        _stdout.Dispose();
        _stderr.Dispose();
        _log?.Dispose();
        foreach (var fd in (Fd?[])[.. ForChild, _stdinFifo, _stdinPipe, _terminalOutput, _terminal]) fd?.Dispose();
    }
}

/// <summary>A process's streams, as one relay hands them to the next.</summary>
internal sealed record StdioHandover(
    bool Terminal, Fd? Master, Fd? Input, Fd? InputPipe, Fd? Output, byte[] PendingInput, byte[] PendingOutput, bool InputClosing,
    OutputHandover Stdout, OutputHandover Stderr);
