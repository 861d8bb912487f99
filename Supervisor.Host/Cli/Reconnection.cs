using Grpc.Core;

namespace Supervisor.Host.Cli;

/// <summary>
/// Calls that outlive the daemon: containers do, so a client that waits for one asks again when a daemon answers again.
/// </summary>
internal static class Reconnection
{
    // As long as a daemon with many containers takes to start again, and no longer than a person waits.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until there is an answer. A daemon that does not answer the first time is not waited for.</summary>
    /// <param name="call">May be asked again.</param>
    /// <exception cref="CliException">The daemon went, and none has answered for a minute.</exception>
    public static async Task<T> StayAsync<T>(this DaemonClient client, Func<Task<T>> call)
    {
        for (long? lost = null; ;)
        {
            var asked = Environment.TickCount64;
            try
            {
                return await call();
            }
            catch (RpcException e) when (IsLost(e) && (lost is not null || Verb.Connecting(e) is null))
            {
                var now = Environment.TickCount64;
                // One that had answered in between, for longer than a refusal takes, is another loss.
                if (lost is null || now - asked > 10 * Pause.TotalMilliseconds) lost = Lost(client, now);
                if (now - lost > Patience.TotalMilliseconds)
                    throw new CliException(
                        $"the daemon at {client.Address} has ended, and none has answered there for {Patience.TotalSeconds:0} "
                        + $"s ({e.Status.Detail}); its containers go on: start it again and use wait, logs and rm");
            }
            await Task.Delay(Pause);
        }
    }

    /// <summary>
    /// The daemon stops, or went while it was asked. The latter is not an answer of its own, which would have no exception behind
    /// it.
    /// </summary>
    private static bool IsLost(RpcException e) =>
        e.StatusCode is StatusCode.Unavailable
            || (e.StatusCode is StatusCode.Internal or StatusCode.Cancelled
            && e.Status.DebugException is not (null or OperationCanceledException));

    private static long Lost(DaemonClient client, long now)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine($"supervisor: the daemon at {client.Address} has gone; waiting until one answers again\r");
        return now;
    }
}
