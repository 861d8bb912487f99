using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
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
            return await Each.DoAsync(parse.GetRequiredValue(ids), id => SendAsync(
                client, new KillRequest { ContainerId = id, Signal = (uint)number, All = parse.GetValue(all) }, cancel));
        });
        return command;
    }

    /// <summary>
    /// Sends a signal. If the daemon exits during the call, the next one is asked only if a second delivery changes nothing: many
    /// programs take a second SIGTERM or SIGINT for the order to end at once, without saving what they were asked to save.
    /// </summary>
    public static async Task SendAsync(DaemonClient client, KillRequest request, CancellationToken cancel)
    {
        var (id, signal) = (request.ContainerId, (Signal)request.Signal);
        _ = signal is Signal.None or Signal.SIGKILL or Signal.SIGSTOP or Signal.SIGCONT
            ? await client.RepeatAsync(StatusCode.NotFound, Call)
            : await client.OnceAsync(
                $"it is not known whether the signal was delivered to {id}; it is not sent again, because a second one can cut a "
                    + $"shutdown short: check \"{client.CommandLine} inspect {id}\", and repeat the command if it is needed",
                Call);

        Task<Empty> Call() => client.Tasks.KillAsync(request, client.Call(cancel)).ResponseAsync;
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
