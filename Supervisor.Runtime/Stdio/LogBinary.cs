using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// A program that logs a container's output: containerd's <c>binary://</c>. It reads the container's standard output from
/// descriptor 3 and standard error from 4, and closes 5 when it is ready. Like the container it outlives us, and exits when
/// its pipes reach end of file.
/// </summary>
internal sealed class LogBinary : IDisposable
{
    /// <summary>The scheme; the container's namespace and id follow, with a colon between them, then the path.</summary>
    public const string Scheme = "binary://";

    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(10);
    private readonly Pidfd _process;
    private EventLoop.Watch? _watch;

    private LogBinary(Pidfd process, Fd stdout, Fd stderr) => (_process, Stdout, Stderr) = (process, stdout, stderr);

    /// <summary>The pipe's end that the container writes its output to.</summary>
    public Fd Stdout { get; }

    /// <summary>The pipe's end that it writes its errors to.</summary>
    public Fd Stderr { get; }

    /// <summary>Starts the program, and returns when it is ready.</summary>
    /// <param name="target"><c>binary://NAMESPACE:ID/path?key=value&amp;key=value</c>; keys and values are the arguments.</param>
    /// <exception cref="InvalidStdioException">The target is malformed, cannot be executed, or is not ready in time.</exception>
    public static LogBinary Start(string target)
    {
        var (@namespace, id, path, arguments) = Parse(target);
        var (outRead, outWrite) = Pipe.Create();
        var (errRead, errWrite) = Pipe.Create();
        var (readyRead, readyWrite) = Pipe.Create();
        try
        {
            using var deadline = new CancellationTokenSource(ReadyWithin);
            var program = Program(path, arguments, @namespace, id, [outRead, errRead, readyWrite]);
            var process = Launch(program, path, deadline.Token).Pidfd;
            readyWrite.Dispose();
            AwaitReady(readyRead, process, path);
            return new LogBinary(process, outWrite, errWrite);
        }
        catch
        {
            outWrite.Dispose();
            errWrite.Dispose();
            throw;
        }
        finally
        {
            foreach (var fd in (Fd[])[outRead, errRead, readyRead, readyWrite]) fd.Dispose();
        }
    }

    /// <summary>Reaps it when it has exited.</summary>
    public void WatchWith(EventLoop loop) => _watch = loop.Add(_process.Number, EpollEvents.EPOLLIN, _ =>
    {
        if (_watch is not { } watch) return; // it exited before _watch is set: the loop calls again
        watch.Dispose();
        _process.TryReap();
        _process.Dispose();
    });

    /// <summary>Closes our ends of its pipes. A log binary that is not watched yet is killed: its container's process was
    /// never spawned.</summary>
    public void Dispose()
    {
        Stdout.Dispose();
        Stderr.Dispose();
        if (_watch is null && !_process.IsClosed) End(_process);
    }

    private static LaunchedProcess Launch(LaunchProgram program, string path, CancellationToken deadline)
    {
        try
        {
            return Launcher.Launch(program, CloneFlags.None, null, deadline);
        }
        catch (LaunchException e)
        {
            throw new InvalidStdioException("stdout", $"log binary \"{path}\": {e.Message}");
        }
    }

    private static LaunchProgram Program(string path, IReadOnlyList<string> arguments, string @namespace, string id, Fd[] streams)
    {
        var program = new LaunchProgram();
        var slots = new FdSlots(streams.Select(s => s.Number));
        var nowhere = slots.Take();
        FdSlots.Keep(
            program, program.Add(
            Syscall.openat, "/dev/null", At.FDCWD, program.Text("/dev/null"), (OpenFlags.O_RDWR | OpenFlags.O_CLOEXEC).ToKernel(),
                0),
            nowhere);
        // Move the streams first: their own numbers may be 3, 4 or 5.
        var aside = streams.Select(_ => slots.Take()).ToArray();
        for (var i = 0; i < streams.Length; i++)
            program.Add(Syscall.dup3, "log streams", streams[i].Number, aside[i], (long)OpenFlags.O_CLOEXEC);
        for (var fd = 0; fd < 3; fd++) program.Add(Syscall.dup3, "standard streams", nowhere, fd, 0);
        for (var i = 0; i < streams.Length; i++) program.Add(Syscall.dup3, "log streams", aside[i], 3 + i, 0);
        program.Add(Syscall.setsid, null);
        program.Add(Syscall.chdir, "/", program.Text("/"));
        ProgramSteps.ResetSignals(program);
        ProgramSteps.UnblockSignals(program);
        program.Add(
            Syscall.execve, path, program.Text(path), program.Strings([path, .. arguments]),
            program.Strings([$"CONTAINER_ID={id}", $"CONTAINER_NAMESPACE={@namespace}"]));
        return program;
    }

    private static void AwaitReady(Fd ready, Pidfd process, string path)
    {
        var end = Environment.TickCount64 + (long)ReadyWithin.TotalMilliseconds;
        Span<byte> buffer = stackalloc byte[64];
        while (true)
        {
            var left = TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64));
            if (Poll.Wait(ready.Number, PollEvents.POLLIN, left) is PollEvents.None)
            {
                End(process);
                throw new InvalidStdioException(
                    "stdout", $"log binary \"{path}\" did not close descriptor 5 within {ReadyWithin.TotalSeconds:0} s");
            }
            if (ready.TryRead(buffer) is 0) break;
        }
        // It may have exited rather than become ready. An exiting process closes its descriptors a moment before its pidfd polls.
        if (!process.WaitForExit(TimeSpan.FromMilliseconds(100))) return;
        var status = process.TryReap();
        process.Dispose();
        throw new InvalidStdioException("stdout", $"log binary \"{path}\" exited before it was ready: {status}");
    }

    private static void End(Pidfd process)
    {
        using (process)
        {
            process.TrySignal(Signal.SIGKILL);
            process.Reap();
        }
    }

    private static (string Namespace, string Id, string Path, IReadOnlyList<string> Arguments) Parse(string target)
    {
        var rest = target[Scheme.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var owner = slash < 0 ? [] : rest[..slash].Split(':');
        if (owner.Length != 2) throw new InvalidStdioException("stdout", $"\"{target}\" is not {Scheme} and an absolute path");
        var question = rest.IndexOf('?', StringComparison.Ordinal);
        var path = Uri.UnescapeDataString(question < 0 ? rest[slash..] : rest[slash..question]);
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new InvalidStdioException("stdout", $"\"{target}\" names no file");
        var arguments = new List<string>();
        foreach (var pair in question < 0 ? [] : rest[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            arguments.Add(Unescape(equals < 0 ? pair : pair[..equals]));
            if (equals >= 0 && equals + 1 < pair.Length) arguments.Add(Unescape(pair[(equals + 1)..]));
        }
        return (owner[0], owner[1], path, arguments);

        static string Unescape(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
    }
}
