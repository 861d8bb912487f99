using System.CommandLine;
using System.Runtime.InteropServices;
using Supervisor.Actors.Persistence;
using Supervisor.Host.Cli.Users;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;

namespace Supervisor.Host.Cli;

/// <summary><c>supervisor serve</c>: the daemon, in the foreground, until SIGTERM or SIGINT.</summary>
internal static class ServeCommand
{
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(30), BetweenStarts = TimeSpan.FromSeconds(1),
        RefuseFor = TimeSpan.FromSeconds(2); // longer than a client waits between two attempts

    private const string PerContainer = "per-container";

    public static Command Create()
    {
        var root = new Option<string>("--root")
        {
            Description = "What survives a reboot: journal, logs",
            HelpName = "DIR",
            DefaultValueFactory = _ => DaemonOptions.DefaultRoot,
        };
        var state = new Option<string?>("--state")
        {
            Description = $"What need not: bundles, sockets (default {DaemonOptions.DefaultState}, and below it for any other "
                + "root than the default)",
            HelpName = "DIR",
        };
        var config = new Option<string?>("--config") {
            Description = "HOCON that overrides the packaged configuration", HelpName = "FILE" };
        var group = new Option<string?>("--group") {
            Description = "Group that may use the socket too (mode 0660)", HelpName = "NAME|GID" };
        var shim = new Option<string>("--shim")
        {
            Description = "Parent of containers: node (one shim, which outlives the daemon), per-container (a shim "
                + "each), "
                + "none (the daemon itself), or a shim's path for node, which for per-container follows a colon",
            HelpName = "node|per-container|none|FILE",
            DefaultValueFactory = _ => "node",
        };
        var adopt = new Option<bool>("--adopt") {
            Description = "Adopt running containers that are not in the journal, because it is missing, damaged or "
            + "older than they are" };
        var forget = new Option<bool>("--forget") {
            Description = "Kill and remove running containers that are not in the journal for such a reason" };
        var debug = new Option<bool>("--debug") { Description = "Also log debug messages, with stack traces" };
        var command = new Command("serve", "Runs the daemon") { root, state, config, group, shim, adopt, forget, debug };
        command.Validators.Add(result =>
        {
            if (result.GetValue(adopt) && result.GetValue(forget)) result.AddError("--adopt and --forget: use only one of them");
        });
        command.Does((parse, cancel) => ServeAsync(
            new DaemonOptions(
                Path.GetFullPath(parse.GetValue(GlobalOptions.Address) ?? DaemonOptions.DefaultAddress),
                Path.GetFullPath(parse.GetRequiredValue(root)),
                parse.GetValue(state) is { } named ? Path.GetFullPath(named) : "",
                parse.GetValue(config),
                parse.GetValue(group) is { } name ? UserResolver.HostGroup(name) : null,
                ShimExecutable: Shim(parse.GetRequiredValue(shim)),
                ShimPerContainer: parse.GetRequiredValue(shim).Split(':')[0] is PerContainer,
                OwnsProcess: true,
                OnMismatch: parse.GetValue(adopt)
                    ? JournalMismatch.Adopt : parse.GetValue(forget) ? JournalMismatch.Forget : JournalMismatch.Refuse,
                Criu: Environment.GetEnvironmentVariable("SUPERVISOR_CRIU") is { Length: > 0 } criu ? criu : null) {
                    Debug = parse.GetValue(debug) },
            cancel));
        return command;
    }

    private static string? Shim(string wanted) => wanted switch
    {
        "none" => null,
        PerContainer => Shim("node"),
        _ when wanted.StartsWith(PerContainer + ":", StringComparison.Ordinal) =>
            Shim(Path.GetFullPath(wanted[(PerContainer.Length + 1)..])),
        "node" => ShimExecutable.Find()
            ?? throw new CliException(
            $"supervisor-shim is not beside {AppContext.BaseDirectory}: give its path with --shim, or --shim none"),
        var path when File.Exists(path) => Path.GetFullPath(path),
        var path => throw new CliException($"--shim: \"{path}\" is neither node, per-container nor none, nor a file"),
    };

    /// <returns>Null if a stop was requested before: what was started is stopped.</returns>
    private static async Task<DaemonHost?> StartAsync(DaemonOptions options, CancellationToken stop)
    {
        try
        {
            return await DaemonHost.StartAsync(options, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Restarts from the journal until that succeeds: a full disk may stay full for long.</summary>
    private static async Task<DaemonHost?> AgainAsync(DaemonOptions options, CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(BetweenStarts, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) return null;
            try
            {
                return await StartAsync(options, stop);
            }
            catch (Exception e) when (e is DaemonStartException { IsPermanent: false } or IOException or TimeoutException)
            {
                await Console.Error.WriteLineAsync($"supervisor: {e.Message}; trying again");
            }
        }
    }

    private static async Task<int> ServeAsync(DaemonOptions options, CancellationToken cancel)
    {
        var asked = new TaskCompletionSource<PosixSignal>(TaskCreationOptions.RunContinuationsAsynchronously);
        var stop = new CancellationTokenSource();
        PosixSignalRegistration[] signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask),
        ];
        var daemon = await StartAsync(options, stop.Token);
        while (daemon is not null)
        {
            await using var _ = daemon;
            if (await Task.WhenAny(asked.Task, daemon.Broken).WaitAsync(cancel) == asked.Task)
            {
                // From here on a second signal kills the process.
                foreach (var registration in signals) registration.Dispose();
                await daemon.StopAsync($"{await asked.Task}").WaitAsync(StopWithin, cancel);
                return 0;
            }
            await daemon.StopAsync("cannot write the journal").WaitAsync(StopWithin, cancel);
            daemon = await AgainAsync(options with { OnMismatch = JournalMismatch.Refuse, RefuseFor = RefuseFor }, stop.Token);
        }
        return 0;

        void Ask(PosixSignalContext context)
        {
            context.Cancel = true;
            asked.TrySetResult(context.Signal);
            stop.Cancel();
        }
    }
}
