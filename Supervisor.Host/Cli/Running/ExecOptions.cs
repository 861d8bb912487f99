using Supervisor.Host.Cli.Stdio;

namespace Supervisor.Host.Cli.Running;

/// <summary>What <c>supervisor exec</c> was asked for.</summary>
/// <param name="Container">In which container.</param>
/// <param name="Env">NAME=value entries, added to the container's own.</param>
/// <param name="WorkingDirectory">Null for the container's own.</param>
/// <param name="User">UID[:GID], or null for the container's own.</param>
/// <param name="Command">Program and arguments; not empty.</param>
internal sealed record ExecOptions(
    string Container, bool Terminal, IReadOnlyList<string> Env, string? WorkingDirectory, string? User,
        IReadOnlyList<string> Command)
{
    /// <summary>What is typed to leave a terminal; null for the usual keys.</summary>
    public DetachKeys? DetachKeys { get; init; }
}
