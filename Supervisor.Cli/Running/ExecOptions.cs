using Supervisor.Cli.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>The arguments of <c>supervisor exec</c>.</summary>
/// <param name="Container">The container's id.</param>
/// <param name="Env">NAME=value entries, added to the container's own.</param>
/// <param name="WorkingDirectory">Null for the container's own.</param>
/// <param name="User">USER[:GROUP], or null for the container's own.</param>
/// <param name="Command">Program and arguments; not empty.</param>
internal sealed record ExecOptions(
    string Container, bool Terminal, IReadOnlyList<string> Env, string? WorkingDirectory, string? User,
        IReadOnlyList<string> Command)
{
    /// <summary>The keys that detach from a terminal; null for the default.</summary>
    public DetachKeys? DetachKeys { get; init; }

    /// <summary>Whether it runs in the background, without streams.</summary>
    public bool Detach { get; init; }

    /// <summary>Whether it has all capabilities.</summary>
    public bool Privileged { get; init; }
}
