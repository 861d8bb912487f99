using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor version</c>: the version of this program, and of the daemon if one answers.</summary>
internal static class VersionCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var command = new Command("version", "Shows versions");
        command.Does(async (parse, cancel) =>
        {
            await Console.Out.WriteLineAsync($"client  {ClientVersion.Version}  {ClientVersion.Revision}");
            if (!DaemonClient.Answers(GlobalOptions.AddressOf(parse)))
            {
                await Console.Out.WriteLineAsync("daemon  none answers");
                return 0;
            }
            using var client = GlobalOptions.Connect(parse);
            var version = await client.Version.VersionAsync(new Empty(), client.Call(Patience, cancel));
            await Console.Out.WriteLineAsync($"daemon  {version.Version}  {version.Revision}");
            return 0;
        });
        return command;
    }
}
