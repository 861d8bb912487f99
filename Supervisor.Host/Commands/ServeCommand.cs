using System.CommandLine;
using System.Runtime.InteropServices;
using Supervisor.Actors.Persistence;
using Supervisor.Host.Arguments;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;
using Supervisor.Runtime.Users;

namespace Supervisor.Host.Commands;

/// <summary><c>supervisor serve</c>: the daemon, in the foreground, until SIGTERM or SIGINT.</summary>
internal static class ServeCommand
{
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(30), BetweenStarts = TimeSpan.FromSeconds(1),
        RefuseFor = TimeSpan.FromSeconds(2); // longer than a client waits between two attempts

    public static Task<int> RunAsync(ParseResult parse, CancellationToken cancel)
    {
        var shim = parse.GetRequiredValue(ServeArguments.Shim);
        return ServeAsync(
            new DaemonOptions(
                Path.GetFullPath(parse.GetValue(ServeArguments.Address) ?? DaemonDefaults.Address),
                Path.GetFullPath(parse.GetRequiredValue(ServeArguments.Root)),
                parse.GetValue(ServeArguments.State) is { } named ? Path.GetFullPath(named) : "",
                parse.GetValue(ServeArguments.Config),
                parse.GetValue(ServeArguments.Group) is { } name ? UserResolver.HostGroup(name) : null,
                ShimExecutable: Shim(shim),
                ShimPerContainer: shim.Split(':')[0] is ServeArguments.PerContainer,
                OwnsProcess: true,
                OnMismatch: parse.GetValue(ServeArguments.Adopt) ? JournalMismatch.Adopt
                    : parse.GetValue(ServeArguments.Forget) ? JournalMismatch.Forget : JournalMismatch.Refuse,
                Criu: Environment.GetEnvironmentVariable("SUPERVISOR_CRIU") is { Length: > 0 } criu ? criu : null)
            {
                Debug = parse.GetValue(ServeArguments.Debug),
            },
            cancel);
    }

    private static string? Shim(string wanted) => wanted switch
    {
        "none" => null,
        ServeArguments.PerContainer => Shim("node"),
        _ when wanted.StartsWith(ServeArguments.PerContainer + ":", StringComparison.Ordinal) =>
            Shim(Path.GetFullPath(wanted[(ServeArguments.PerContainer.Length + 1)..])),
        "node" => ShimExecutable.Find()
            ?? throw new DaemonStartException(
            $"supervisor-shim is not beside {AppContext.BaseDirectory}: give its path with --shim, or --shim none"),
        var path when File.Exists(path) => Path.GetFullPath(path),
        var path => throw new DaemonStartException($"--shim: \"{path}\" is neither node, per-container nor none, nor a file"),
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
