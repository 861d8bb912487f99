using System.Globalization;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Launch;

/// <summary>Steps that find and execute the user's program, as execvp(3) does, in the container.</summary>
internal sealed class ProgramSteps(ProcessSpec process)
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static readonly int[] IgnoredSignals = ReadIgnoredSignals();

    private string Name => process.Args[0];

    private bool NeedsSearch => !Name.Contains('/', StringComparison.Ordinal);

    /// <summary>Checks that the program exists, so that create fails instead of start. After pivot_root.</summary>
    public void Probe(LaunchProgram program)
    {
        if (!NeedsSearch)
        {
            if (Name.StartsWith('/')) // a relative one would need the working directory, which is entered later
                program.Add(Syscall.faccessat, Name, At.FDCWD, program.Text(Name), At.X_OK)
                    .Called($"exec: \"{Name}\": stat {Name}");
            return;
        }
        var found = new List<LaunchProgram.Step>();
        foreach (var candidate in Candidates())
            found.Add(program.Add(Syscall.faccessat, candidate, At.FDCWD, program.Text(candidate), At.X_OK).IgnoringErrors()
                .SkippingOnSuccess());
        NotFound(program, Syscall.faccessat);
        foreach (var step in found) step.SkipsToHere();
    }

    /// <summary>
    /// Resets the signals that a .NET parent ignores. CLONE_CLEAR_SIGHAND already removed the handlers.
    /// </summary>
    public static void ResetSignals(LaunchProgram program)
    {
        foreach (var signal in IgnoredSignals)
            program.Add(Syscall.rt_sigaction, $"{signal} default", signal, program.Values<long>([0, 0, 0, 0]), 0, 8);
    }

    /// <summary>Unblocks the signals, all of which have been blocked since clone.</summary>
    public static void UnblockSignals(LaunchProgram program)
    {
        const int SIG_SETMASK = 2;
        program.Add(Syscall.rt_sigprocmask, "none blocked", SIG_SETMASK, program.Value(0L), 0, 8);
    }

    /// <summary>Executes the program. The last steps of the second half.</summary>
    public void Execute(LaunchProgram program)
    {
        var arguments = program.Strings(process.Args);
        var environment = program.Strings(Environment());
        if (!NeedsSearch)
        {
            Execute(Name).Called($"exec {Name}");
            return;
        }
        // First any candidate that can be executed; then, for the error, the first that exists and cannot.
        foreach (var candidate in Candidates()) Execute(candidate).IgnoringErrors();
        foreach (var candidate in Candidates()) Execute(candidate).Tolerating(Errno.ENOENT).Called($"exec {candidate}");
        NotFound(program, Syscall.execve);

        LaunchProgram.Step Execute(string path) => program.Add(Syscall.execve, path, program.Text(path), arguments, environment);
    }

    /// <summary>A step that always fails with ENOENT, the kernel's answer to an empty path. path_resolution(7).</summary>
    private void NotFound(LaunchProgram program, int call)
    {
        var step = call == Syscall.execve
            ? program.Add(call, Name, program.Text(""), 0, 0)
            : program.Add(call, Name, At.FDCWD, program.Text(""), At.X_OK);
        step.Called($"exec: \"{Name}\": executable file not found in $PATH");
    }

    private IEnumerable<string> Candidates()
    {
        var path = process.Env.LastOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? DefaultPath;
        return path.Split(':').Select(directory => $"{(directory.Length == 0 ? "." : directory)}/{Name}");
    }

    /// <summary>
    /// The spec's environment, the last of duplicate names, with a HOME if it has none or an empty one, as runc does.
    /// </summary>
    private List<string> Environment()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<string> environment = [.. process.Env.Reverse().Where(e => seen.Add(e.Split('=', 2)[0])).Reverse()];
        if (environment.RemoveAll(e => e is "HOME=") > 0 || !seen.Contains("HOME"))
            environment.Add(process.User.Uid == 0 ? "HOME=/root" : "HOME=/");
        return environment;
    }

    private static int[] ReadIgnoredSignals()
    {
        const string Field = "\nSigIgn:";
        var status = KernelFile.Read("/proc/self/status");
        var ignored = status.AsSpan(status.IndexOf(Field, StringComparison.Ordinal) + Field.Length);
        // SIGPIPE: the .NET runtime may start to ignore it later
        var mask = ulong.Parse(ignored[..ignored.IndexOf('\n')].Trim(), NumberStyles.HexNumber) | 1UL << 12;
        return [.. Enumerable.Range(1, 64).Where(s => (mask >> (s - 1) & 1) != 0 && s is not (9 or 19))];
    }
}
