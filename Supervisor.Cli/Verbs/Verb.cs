using System.CommandLine;
using System.Net.Sockets;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.Client.Errors;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Users;
using Supervisor.Storage;

namespace Supervisor.Cli.Verbs;

/// <summary>Runs a verb; any failure becomes one line on stderr and an exit code.</summary>
internal static class Verb
{
    /// <summary>Its words, without the program's: <c>checkpoint create</c>; empty for the program itself.</summary>
    public static string NameOf(Command command) => command switch
    {
        RootCommand => "",
        _ when command.Parents.OfType<Command>().FirstOrDefault() is { } parent => $"{NameOf(parent)} {command.Name}".TrimStart(),
        _ => command.Name,
    };

    /// <summary>The verbs that do something: of one with verbs of its own, those.</summary>
    public static IEnumerable<Command> Leaves(Command root) => root.Subcommands.Where(v => !v.Hidden)
        .SelectMany(v => v.Subcommands.Count > 0 ? Leaves(v) : [v]);

    /// <summary>A verb that needs a daemon.</summary>
    public static void Does(this Command command, Func<ParseResult, DaemonClient, CancellationToken, Task<int>> action) =>
        command.Does(async (parse, cancel) =>
        {
            using var client = GlobalOptions.Connect(parse);
            try
            {
                return await action(parse, client, cancel);
            }
            catch (RpcException e) when (ConnectionFailure.Of(e) is { } failure)
            {
                throw new CliException(failure.SocketErrorCode is SocketError.AccessDenied
                    ? ConnectionFailure.NoPermission(client.Address)
                    : $"no daemon answers at {client.Address}: start one with \"supervisor serve\"");
            }
        });

    /// <summary>A verb that needs no daemon.</summary>
    public static void Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction(async (parse, cancel) =>
        {
            try
            {
                return await action(parse, cancel);
            }
            catch (ReaderClosedException)
            {
                return ExitCodes.ReaderClosed; // without a message: this is how `… | head` ends
            }
            catch (Exception e) when (Explain(e) is { } said)
            {
                await Console.Error.WriteLineAsync($"supervisor: {FlagNames.InPlaceOfField(OneLine(said.Text))}");
                return said.ExitCode;
            }
        });

    /// <summary>Null for a bug of ours, which is reported with its stack trace.</summary>
    internal static (string Text, int ExitCode)? Explain(Exception exception) => exception switch
    {
        CliException e => (e.Message, e.ExitCode),
        ClientException e => (e.Message, ExitCodes.Ours),
        UnknownUserException e => (e.Message, ExitCodes.Ours),
        StorageException e => (e.Message, ExitCodes.Ours),
        InvalidSpecException e => (e.Message, ExitCodes.Ours),
        RpcException e => (e.Status.Detail.Length > 0 ? e.Status.Detail : e.StatusCode.ToString(), ExitCodes.Ours),
        // getcwd(2), ENOENT: .NET names no file then.
        FileNotFoundException { FileName: null } =>
            ("the current directory has been removed: go to another one (cd)", ExitCodes.Ours),
        IOException or UnauthorizedAccessException or TimeoutException => (exception.Message, ExitCodes.Ours),
        _ => null,
    };

    /// <summary>Whether a failure is one container's: an unreachable daemon fails all of them.</summary>
    internal static bool IsAbout(Exception e) =>
        e is not (OperationCanceledException or ReaderClosedException)
        && !(e is RpcException call && ConnectionFailure.Of(call) is not null);

    internal static string OneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
