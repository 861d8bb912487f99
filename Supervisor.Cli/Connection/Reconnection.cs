using Grpc.Core;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Connection;

/// <summary>
/// Calls that outlive the daemon: containers do, so a client that waits for one retries when a daemon answers again.
/// </summary>
internal static class Reconnection
{
    // Enough for the restart of a daemon with many containers, and not longer than a user waits.
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Calls until there is an answer. It does not wait for a daemon to which this client has never had a
    /// connection.</summary>
    /// <param name="call">May be repeated.</param>
    /// <exception cref="CliException">The daemon exited, and none has answered for a minute; at once if it was our
    /// child.</exception>
    /// <exception cref="RpcException">A daemon has answered: it refuses the call, or cannot do it.</exception>
    public static async Task<T> StayAsync<T>(this DaemonClient client, Func<Task<T>> call)
    {
        for (long? lost = null; ;)
        {
            var asked = Environment.TickCount64;
            try
            {
                return await call();
            }
            catch (RpcException e) when (IsLost(e) && (client.HasConnected || ConnectionFailure.Of(e) is null))
            {
                if (client.Exit is { } exit && await Task.Run(exit) is { } said) throw new CliException(said);
                var now = Environment.TickCount64;
                // If a daemon was reachable in between, the wait starts again.
                if (lost is null || now - asked > 10 * Pause.TotalMilliseconds) lost = Lost(client, now);
                if (now - lost > Patience.TotalMilliseconds)
                    throw new CliException(
                        $"the daemon at {client.Address} has exited, and none has answered there for {Patience.TotalSeconds:0} "
                        + $"s ({e.Status.Detail}); its containers keep running: restart it and use wait, logs and rm");
            }
            await Task.Delay(Pause);
        }
    }

    /// <summary>
    /// As <see cref="StayAsync"/>, for a call that is refused the second time: on a retry, when the daemon exited before it
    /// answered the first attempt, that refusal shows that the first attempt succeeded.
    /// </summary>
    /// <param name="done">The refusal.</param>
    /// <returns>The answer; null if it was lost.</returns>
    public static async Task<T?> RepeatAsync<T>(this DaemonClient client, StatusCode done, Func<Task<T>> call) where T : class
    {
        var isRepeated = false;
        return await client.StayAsync(async () =>
        {
            try
            {
                return await call();
            }
            catch (RpcException e) when (isRepeated && e.StatusCode == done)
            {
                return null;
            }
            finally
            {
                isRepeated = true;
            }
        });
    }

    /// <summary>
    /// As <see cref="StayAsync"/>, for a call that must not be done twice: it is repeated only while no daemon can have received
    /// it.
    /// </summary>
    /// <param name="unknown">The error when the daemon exited during the call: what is not known then, and what to do.</param>
    public static Task<T> OnceAsync<T>(this DaemonClient client, string unknown, Func<Task<T>> call) =>
        client.StayAsync(async () =>
        {
            try
            {
                return await call();
            }
            catch (RpcException e) when (IsLost(e) && ConnectionFailure.Of(e) is null)
            {
                throw new CliException($"the daemon at {client.Address} exited before it answered: {unknown}");
            }
        });

    /// <summary>
    /// The daemon is stopping, or exited during the call. The latter has an inner exception; a status sent by the daemon has
    /// none: with another reason than its stop it is a refusal, e.g. because its journal was removed, and the next daemon could
    /// not do it either.
    /// </summary>
    private static bool IsLost(RpcException e) => e.StatusCode switch
    {
        StatusCode.Unavailable => e.Status.DebugException is not null || e.Status.Detail == DaemonConventions.Stopping,
        StatusCode.Internal or StatusCode.Cancelled => e.Status.DebugException is not (null or OperationCanceledException),
        _ => false,
    };

    private static long Lost(DaemonClient client, long now)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine($"supervisor: the daemon at {client.Address} has exited; waiting until one answers again\r");
        return now;
    }
}
