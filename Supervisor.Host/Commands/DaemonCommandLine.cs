using System.CommandLine;
using Supervisor.Host.Arguments;
using Supervisor.Host.Daemon;
using Supervisor.Runtime.Users;

namespace Supervisor.Host.Commands;

/// <summary>
/// The daemon's own command line: <c>serve</c>, which <c>supervisor serve</c> executes after it has checked the options, and
/// <c>embed</c>, which <c>supervisor run</c> starts where no daemon answers.
/// </summary>
internal static class DaemonCommandLine
{
    private const int Failure = 125; // as all of supervisor's own

    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        var parse = Create().Parse(args);
        if (parse.Errors.Count > 0)
        {
            await Console.Error.WriteLineAsync($"supervisor: {parse.Errors[0].Message}");
            return Failure;
        }
        try
        {
            return await parse.InvokeAsync(
                new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is DaemonStartException or UnknownUserException or IOException or UnauthorizedAccessException
            or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"supervisor: {OneLine(e)}");
            return Failure;
        }
    }

    /// <summary>The error for a user.</summary>
    internal static string OneLine(Exception e) => string.Join(' ', Text(e).Split(
        ['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    // getcwd(2), ENOENT: .NET names no file then.
    private static string Text(Exception e) => e is FileNotFoundException { FileName: null }
        ? "the current directory has been removed: go to another one (cd)" : e.Message;

    private static RootCommand Create()
    {
        var serve = ServeArguments.Create();
        serve.SetAction(ServeCommand.RunAsync);
        var embed = new Command("embed", "Serves the command that started it, until its standard input ends");
        embed.SetAction((_, _) => EmbedCommand.RunAsync());
        return new RootCommand("Supervisor's daemon; it is started by \"supervisor serve\"")
        {
            ServeArguments.Address, ServeArguments.Namespace, serve, embed,
        };
    }
}
