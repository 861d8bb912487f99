using System.CommandLine;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Kernel.Processes;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor stop</c> and <c>restart</c>: a signal, time to act on it, and then SIGKILL.</summary>
internal static class StopCommand
{
    public static Command Create() => Create(
        "stop", "Stops containers: SIGTERM, and SIGKILL if they are still running after ten seconds",
        (_, _, _) => Task.CompletedTask);

    public static Command CreateRestart() =>
        Create("restart", "Stops containers, if they run, and starts them", StartCommand.StartAsync);

    /// <param name="then">What is done with each once it does not run.</param>
    private static Command Create(
        string name, string description, Func<DaemonClient, string, CancellationToken, Task> then)
    {
        var signal = new Option<string>("--signal", "-s") {
            Description = "The first signal: name or number", HelpName = "SIG", DefaultValueFactory = _ => "TERM" };
        var time = new Option<int>("--timeout", "-t", "--time") {
            Description = "Seconds until SIGKILL; -1 for no end", HelpName = "SECONDS", DefaultValueFactory = _ => 10 };
        var ids = Ids.OneOrMore();
        var command = new Command(name, description) { signal, time, ids };
        command.Does((parse, client, cancel) =>
        {
            var stop = Read(parse.GetRequiredValue(signal), parse.GetValue(time));
            return Each.PrintAsync(parse.GetRequiredValue(ids), async id =>
            {
                await stop.RunAsync(client, id, cancel);
                await then(client, id, cancel);
                return id;
            });
        });
        return command;
    }

    private static TaskStop Read(string signal, int seconds)
    {
        var number = SignalNames.TryParse(signal) is > 0 and var given ? given
            : throw new CliException($"--signal: \"{signal}\" is not a signal: a name like TERM, or 1 to 64");
        return seconds >= -1
            ? new TaskStop(number, seconds < 0 ? null : TimeSpan.FromSeconds(seconds))
            : throw new CliException($"--timeout: {seconds} is not a number of seconds, or -1 for no end");
    }
}
