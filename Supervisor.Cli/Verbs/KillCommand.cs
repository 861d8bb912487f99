using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Kernel.Processes;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor kill</c>: sends a signal.</summary>
internal static class KillCommand
{
    public static Command Create()
    {
        var signal = new Option<string>("--signal", "-s") {
            Description = "Name or number", HelpName = "SIG", DefaultValueFactory = _ => "TERM" };
        var all = new Option<bool>("--all") { Description = "To every process of the container, not only its first" };
        var ids = Ids.OneOrMore();
        var command = new Command("kill", "Sends a signal to containers") { signal, all, ids };
        command.Does(async (parse, client, cancel) =>
        {
            var text = parse.GetRequiredValue(signal);
            var number = SignalNames.TryParse(text)
                ?? throw new CliException($"--signal: \"{text}\" is not a signal: a name like TERM, or 0 to 64");
            return await Each.DoAsync(parse.GetRequiredValue(ids), id => SignalDelivery.SendAsync(
                client, new KillRequest { ContainerId = id, Signal = (uint)number, All = parse.GetValue(all) }, cancel));
        });
        return command;
    }

    /// <summary>
    /// kill(1)'s syntax: <c>-9</c>, <c>-KILL</c> and <c>-SIGKILL</c> become <c>--signal</c>. Anything else stays as it is.
    /// </summary>
    /// <param name="line">A whole line of this verb.</param>
    public static IReadOnlyList<string> SpellOut(IReadOnlyList<string> line)
    {
        var verb = line.ToList().IndexOf("kill");
        var end = line.ToList().IndexOf("--");
        return [.. line.Select((word, i) =>
            i > verb && (end < 0 || i < end) && word is ['-', not '-', .. var name] && word is not ("-s" or "-h")
                && SignalNames.TryParse($"{word[1]}{name}") is not null
                ? $"--signal={word[1..]}" : word)];
    }
}
