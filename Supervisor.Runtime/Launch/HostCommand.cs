using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Launch;

/// <summary>Runs a program of the host to its exit and returns its output: ps(1), criu(8).</summary>
public static class HostCommand
{
    private const int MostOutput = 16 << 20, MostInput = 32 << 10; // a pipe holds 64 KiB: pipe(7)

    /// <summary>Runs it with our environment and standard error.</summary>
    /// <param name="command">Program, found in our PATH, and arguments.</param>
    /// <returns>Its status and output.</returns>
    /// <exception cref="LaunchException">It does not exist, or cannot be executed.</exception>
    /// <exception cref="OperationCanceledException">It did not exit before the deadline, and was killed.</exception>
    public static (int Status, string Output) Run(IReadOnlyList<string> command, CancellationToken deadline) =>
        Run(command, "", deadline);

    /// <inheritdoc cref="Run(IReadOnlyList{string}, CancellationToken)"/>
    /// <param name="input">Its standard input: no more than a pipe holds, so that it can be written before.</param>
    public static (int Status, string Output) Run(IReadOnlyList<string> command, string input, CancellationToken deadline)
    {
        var (theirInput, ourInput) = Pipe.Create();
        var (reader, writer) = Pipe.Create();
        using (reader)
        {
            LaunchedProcess child;
            using (theirInput)
            using (writer)
            {
                using (ourInput) WriteAll(ourInput, input);
                child = Launcher.Launch(Compile(command, theirInput, writer), CloneFlags.None, null, deadline);
            }
            using var pidfd = child.Pidfd;
            try
            {
                var output = ReadAll(reader, deadline);
                while (!pidfd.WaitForExit(TimeSpan.FromMilliseconds(100))) deadline.ThrowIfCancellationRequested();
                return (pidfd.TryReap()?.Code ?? 255, output);
            }
            catch
            {
                pidfd.TrySignal(Signal.SIGKILL);
                pidfd.Reap();
                throw;
            }
        }
    }

    private static void WriteAll(Fd input, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > MostInput) throw new IOException($"input exceeds {MostInput} bytes");
        input.Write(bytes);
    }

    private static LaunchProgram Compile(IReadOnlyList<string> command, Fd input, Fd output)
    {
        var program = new LaunchProgram();
        program.Add(Syscall.dup3, "standard input", input.Number, 0, 0);
        program.Add(Syscall.dup3, "standard output", output.Number, 1, 0);
        ProgramSteps.ResetSignals(program);
        ProgramSteps.UnblockSignals(program);
        new ProgramSteps(new ProcessSpec { Args = command, Env = BackgroundProgram.OwnEnvironment() }).Execute(program);
        return program;
    }

    private static string ReadAll(Fd reader, CancellationToken deadline)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 << 10];
        while (true)
        {
            if (Poll.Wait(reader.Number, PollEvents.POLLIN, TimeSpan.FromMilliseconds(100)) is PollEvents.None)
                deadline.ThrowIfCancellationRequested();
            else if (reader.TryRead(buffer) is > 0 and var got)
            {
                if (all.Length + got > MostOutput) throw new IOException($"output exceeds {MostOutput} bytes");
                all.Write(buffer, 0, got);
            }
            else return Encoding.UTF8.GetString(all.ToArray());
        }
    }
}
