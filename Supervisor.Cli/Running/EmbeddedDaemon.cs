using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Launch;

namespace Supervisor.Cli.Running;

/// <summary>
/// A daemon for the time of one command, so that run works without setup: a child of ours, which leaves nothing behind. It ends
/// with us, also when we are killed.
/// </summary>
internal sealed class EmbeddedDaemon : IAsyncDisposable
{
    private const int LongestAnswer = 4096;
    private const string Listening = "listening ";
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(30);

    // Its connections are closed by its exit: there is hardly any time between the two.
    private static readonly TimeSpan ExitsAfterConnection = TimeSpan.FromSeconds(2);

    private readonly BackgroundCommand _process;
    private volatile bool _hasExited;

    private EmbeddedDaemon(BackgroundCommand process, string address) => (_process, Address) = (process, address);

    public string Address { get; }

    /// <exception cref="CliException">It cannot start: the environment does not allow it, or it is not installed.</exception>
    public static Task<EmbeddedDaemon> StartAsync(CancellationToken cancel) =>
        Task.Run(() => Start(cancel), CancellationToken.None);

    /// <summary>How it has exited, when a connection to it has been lost; null if it has not.</summary>
    public string? Exit()
    {
        if (_process.TryExit(ExitsAfterConnection) is not { } exit) return null;
        _hasExited = true;
        return $"the command's own daemon {(exit.Code > ExitCodes.OfSignal(0) ? $"was killed by signal {exit.Code - 128}"
            : $"exited with status {exit.Code}")}: its container is killed and removed";
    }

    public async ValueTask DisposeAsync()
    {
        using (_process)
        {
            if (await Task.Run(() => _process.Stop(StopWithin)))
            {
                if (_hasExited) await RemoveWhatItLeftAsync();
                return;
            }
        }
        await Console.Error.WriteLineAsync(
            $"supervisor: the command's daemon did not stop within {StopWithin.TotalSeconds:0} s, and was killed; the next run "
            + "removes what it left");
    }

    /// <summary>A new one removes at its start what killed ones have left: also the container, which may still run.</summary>
    private static async Task RemoveWhatItLeftAsync()
    {
        try
        {
            await using var _ = await StartAsync(CancellationToken.None);
        }
        catch (CliException e)
        {
            await Console.Error.WriteLineAsync($"supervisor: what the daemon left could not be removed: {e.Message}");
        }
    }

    private static EmbeddedDaemon Start(CancellationToken cancel)
    {
        var path = DaemonProgram.Find();
        BackgroundCommand process;
        try
        {
            process = BackgroundCommand.Start(path, ["embed"]);
        }
        catch (LaunchException e)
        {
            throw new CliException(e.Message);
        }
        var answer = "";
        try
        {
            answer = process.ReadLine(LongestAnswer, cancel);
            if (answer.StartsWith(Listening, StringComparison.Ordinal)) return new(process, answer[Listening.Length..]);
        }
        catch
        {
            Abandon();
            throw;
        }
        Abandon();
        throw new CliException(answer.Length > 0 ? answer : $"{path} exited before it listened");

        void Abandon()
        {
            process.Stop(StopWithin);
            process.Dispose();
        }
    }
}
