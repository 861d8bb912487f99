using System.Collections;
using Supervisor.Kernel.Abi;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// A program of the host that runs beside us: in a session of its own, so that a terminal's keys do not reach it, with our
/// environment, default signals, and the descriptors that it is given.
/// </summary>
internal static class BackgroundProgram
{
    /// <summary>Compiles its launch.</summary>
    /// <param name="path">The executable.</param>
    /// <param name="words">The command line, with the name that it gets.</param>
    /// <param name="directory">Null for ours.</param>
    /// <param name="descriptors">Ours, and its own, which no later one of ours may be.</param>
    public static LaunchProgram Compile(
        string path, IReadOnlyList<string> words, string? directory,
        params ReadOnlySpan<(string Name, int Ours, int Its)> descriptors)
    {
        var program = new LaunchProgram();
        program.Add(Syscall.setsid, null);
        if (directory is not null) program.Add(Syscall.chdir, directory, program.Text(directory));
        foreach (var (name, ours, its) in descriptors) FdSlots.Pass(program, name, ours, its);
        ProgramSteps.ResetSignals(program);
        ProgramSteps.UnblockSignals(program);
        program.Add(Syscall.execve, path, program.Text(path), program.Strings([.. words]), program.Strings(OwnEnvironment()))
            .Called($"exec \"{path}\"");
        return program;
    }

    /// <summary>Our environment, as execve(2) takes it.</summary>
    public static string[] OwnEnvironment() =>
        [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(e => $"{e.Key}={e.Value}")];
}
