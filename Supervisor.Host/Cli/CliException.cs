namespace Supervisor.Host.Cli;

/// <summary>A verb cannot be carried out: one line for the person who typed it, and the exit code.</summary>
internal sealed class CliException(string message, int exitCode = ExitCodes.Ours) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
