using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// A program of the host that runs beside us, in a session of its own, so that a terminal's keys do not reach it. It has our
/// environment and standard error. The end of its standard input asks it to exit: so it also ends when we are killed.
/// </summary>
public sealed class BackgroundCommand : IDisposable
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    private readonly Pidfd _process;
    private readonly Fd _input, _output;

    private BackgroundCommand(Pidfd process, Fd input, Fd output) => (_process, _input, _output) = (process, input, output);

    /// <param name="path">The executable.</param>
    /// <param name="arguments">Without its name.</param>
    /// <exception cref="LaunchException">It cannot be executed.</exception>
    public static BackgroundCommand Start(string path, IReadOnlyList<string> arguments)
    {
        var (theirInput, input) = Pipe.Create();
        var (output, theirOutput) = Pipe.Create();
        using (theirInput)
        using (theirOutput)
        {
            try
            {
                var program = BackgroundProgram.Compile(
                    path, [path, .. arguments], directory: null,
                    ("standard input", theirInput.Number, 0), ("standard output", theirOutput.Number, 1));
                return new(Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None).Pidfd, input, output);
            }
            catch
            {
                input.Dispose();
                output.Dispose();
                throw;
            }
        }
    }

    /// <summary>Blocks until it has written its first line.</summary>
    /// <returns>Without its end. What there is, if it closed its output first, or wrote more than <paramref name="longest"/>
    /// bytes.</returns>
    public string ReadLine(int longest, CancellationToken cancel)
    {
        var line = new byte[longest];
        var length = 0;
        while (length < longest)
        {
            if (Poll.Wait(_output.Number, PollEvents.POLLIN, Slice) is PollEvents.None)
            {
                cancel.ThrowIfCancellationRequested();
                continue;
            }
            var got = _output.TryRead(line.AsSpan(length)) ?? 0;
            length += got;
            if (got == 0 || line[length - 1] == '\n') break;
        }
        return Encoding.UTF8.GetString(line, 0, length).TrimEnd('\n');
    }

    /// <summary>Blocks until it has exited, and leaves it to <see cref="Stop"/> to reap it.</summary>
    /// <returns>Null where it has not exited in time.</returns>
    public ExitStatus? TryExit(TimeSpan within) => _process.WaitForExit(within) ? _process.TryPeek(out _) : null;

    /// <summary>Ends its input, and blocks until it has exited and is reaped.</summary>
    /// <returns>False if it has not exited in time: then it is killed.</returns>
    public bool Stop(TimeSpan within)
    {
        _input.Dispose();
        var exited = _process.WaitForExit(within);
        if (!exited) _process.TrySignal(Signal.SIGKILL);
        _process.Reap();
        return exited;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _process.Dispose();
    }
}
