using System.CommandLine;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;

namespace Supervisor.Cli.Verbs;

/// <summary>
/// <c>supervisor attach</c>: a running container's new output, and its terminal's input, until it exits or the client detaches.
/// </summary>
internal static class AttachCommand
{
    public static Command Create()
    {
        var noInput = new Option<bool>("--no-stdin") { Description = "Only its output" };
        var keys = TerminalOptions.DetachKeys();
        var id = Ids.One();
        var command = new Command("attach", "Connects to a running container's output, and to its terminal") {
            noInput, keys, id };
        command.Does(async (parse, client, _) =>
        {
            using var signals = new ForegroundSignals();
            var detachKeys = DetachKeys.Parse(parse.GetValue(keys) ?? DetachKeys.Usual);
            return await new AttachRun(client, parse.GetRequiredValue(id), !parse.GetValue(noInput), detachKeys, signals)
                .RunAsync();
        });
        return command;
    }
}
