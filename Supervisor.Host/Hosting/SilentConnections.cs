using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Supervisor.Host.Hosting;

/// <summary>
/// Closes connections without a first call within some time: each holds a descriptor, and those are limited. A connection that
/// has made a call may be silent for any time.
/// </summary>
internal static class SilentConnections
{
    private sealed class Calls
    {
        public volatile bool Any;
    }

    /// <summary>Watches the connections of a listener.</summary>
    /// <param name="firstCallWithin">How long a client may take for its first call.</param>
    public static void CloseSilentConnections(this IConnectionBuilder listener, TimeSpan firstCallWithin) =>
        listener.Use(next => async connection =>
    {
        var calls = new Calls();
        connection.Items[typeof(Calls)] = calls;
        await using var timer = new Timer(_ =>
        {
            if (!calls.Any) connection.Abort(
                new ConnectionAbortedException($"no call within {firstCallWithin.TotalSeconds:0} s"));
        }, null, firstCallWithin, Timeout.InfiniteTimeSpan);
        await next(connection);
    });

    /// <summary>Notes a call over the request's connection.</summary>
    public static void HasCalled(HttpContext context)
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items[typeof(Calls)] is Calls calls) calls.Any = true;
    }
}
