using System.CommandLine;
using Grpc.Core;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.V1;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor diff</c>: what a container has changed in its root file system.</summary>
internal static class DiffCommand
{
    public static Command Create()
    {
        var id = Ids.One();
        var command = new Command("diff", "Shows what a container has added (A), changed (C) and deleted (D)") { id };
        command.Does(async (parse, client, cancel) =>
        {
            var request = new ChangesRequest { Id = parse.GetRequiredValue(id) };
            using var call = client.Files.Changes(request, client.OpenEnded(cancel));
            var atTerminal = !Console.IsOutputRedirected;
            await StandardOutput.PrintAsync(async (output, either) =>
            {
                while (await call.ResponseStream.MoveNext(either))
                    foreach (var change in call.ResponseStream.Current.Changes) output.Write(Line(change, atTerminal));
            }, cancel);
            return 0;
        });
        return command;
    }

    /// <summary>No name of a container's file may move the cursor of the user's terminal; elsewhere it is as it is.</summary>
    private static byte[] Line(FileChange change, bool atTerminal)
    {
        var letter = change.Kind switch
        {
            FileChange.Types.Kind.Added => (byte)'A',
            FileChange.Types.Kind.Deleted => (byte)'D',
            _ => (byte)'C',
        };
        var path = change.Path.ToByteArray();
        if (atTerminal)
            for (var i = 0; i < path.Length; i++)
                if (path[i] is < (byte)' ' or 0x7f) path[i] = (byte)'?';
        return [letter, (byte)' ', .. path, (byte)'\n'];
    }
}
