using System.CommandLine;
using Supervisor.Cli.Connection;
using Supervisor.Host.Arguments;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor serve</c>: becomes the daemon, once its options are known to be valid.</summary>
internal static class ServeCommand
{
    /// <param name="line">The whole line: the daemon reads it again.</param>
    public static Command Create(IReadOnlyList<string> line)
    {
        var command = ServeArguments.Create();
        command.Does((_, _) => throw DaemonProgram.Execute(line));
        return command;
    }
}
