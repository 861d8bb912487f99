using Containerd.Services.Tasks.V1;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// A process in the foreground, once it is started: until it exits, our output has no reader any more, or the client detaches.
/// </summary>
/// <param name="keys">The keys that detach; null for none.</param>
internal sealed class ForegroundSession(
    ProcessClient process, ForegroundStdio stdio, ForegroundSignals signals, DetachKeys? keys)
{
    // A grandchild that outlived the process may hold its output open.
    private static readonly TimeSpan IdleOutput = TimeSpan.FromSeconds(2);

    // How long it may take to exit once its output has no reader. After that it keeps running, as with docker.
    private static readonly TimeSpan EndsWithoutReader = TimeSpan.FromSeconds(2);

    /// <param name="exit">The wait for its exit, which began before the start.</param>
    /// <param name="input">Completes when our input has ended.</param>
    /// <param name="onSignal">Called with each signal that is forwarded; null for none.</param>
    /// <returns>Our exit code; null if the client detached.</returns>
    public async Task<int?> FollowAsync(
        Task<WaitResponse> exit, Task input, RawTerminal? terminal, Action<int>? onSignal = null)
    {
        using var resized = terminal is null ? null : process.FollowSize();
        using var ended = new CancellationTokenSource();
        _ = signals.ForwardAsync(
            signal =>
            {
                onSignal?.Invoke(signal);
                return process.SignalAsync(signal);
            },
            ended.Token);
        _ = CloseInputAfterAsync(input);
        var detached = keys?.Typed ?? Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
        var first = await Task.WhenAny(exit, stdio.ReaderClosed, detached);
        if (first == detached)
        {
            stdio.Detach();
            terminal!.Dispose();
            return null;
        }
        if (first != exit)
        {
            await Task.WhenAny(exit, Task.Delay(EndsWithoutReader, CancellationToken.None));
            return Unread();
        }
        var answer = await exit;
        await ended.CancelAsync();
        await stdio.DrainAsync(IdleOutput);
        return stdio.ReaderClosed.IsCompleted ? Unread() : (int)answer.ExitStatus;
    }

    /// <summary>Not when the client detaches: the input waits for the next client then.</summary>
    private async Task CloseInputAfterAsync(Task input)
    {
        await input;
        if (keys is not { Typed.IsCompleted: true }) await process.CloseInputAsync();
    }

    private int Unread() => stdio.OutputFailure is { } failure ? throw failure : ExitCodes.ReaderClosed;
}
