namespace Supervisor.Cli.Errors;

/// <summary>A verb failed: one line for the user, and the exit code.</summary>
internal sealed class CliException(string message, int exitCode = ExitCodes.Ours) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
