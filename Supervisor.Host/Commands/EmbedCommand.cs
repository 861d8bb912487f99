using Supervisor.Host.Daemon;

namespace Supervisor.Host.Commands;

/// <summary>
/// <c>supervisor-daemon embed</c>: prints one line, <c>listening ADDRESS</c> or an error, and serves until its input ends, which
/// it does when the command that started it stops it or is killed.
/// </summary>
internal static class EmbedCommand
{
    public static async Task<int> RunAsync()
    {
        var ended = Task.Run(ReadToEnd);
        using var stop = new CancellationTokenSource();
        _ = ended.ContinueWith(_ => stop.Cancel(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await using var daemon = await EmbeddedDaemon.StartAsync(stop.Token);
            await Console.Out.WriteLineAsync($"listening {daemon.Address}");
            await ended;
            return 0;
        }
        catch (OperationCanceledException) when (ended.IsCompleted)
        {
            return 0;
        }
        catch (Exception e) when (e is DaemonStartException or IOException or UnauthorizedAccessException or TimeoutException)
        {
            await Console.Out.WriteLineAsync(DaemonCommandLine.OneLine(e));
            return 1;
        }
    }

    private static void ReadToEnd()
    {
        using var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        while (input.Read(buffer) > 0)
        {
        }
    }
}
