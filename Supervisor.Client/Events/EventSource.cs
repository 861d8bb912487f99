using System.Globalization;
using Containerd.Services.Events.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Client.Connection;
using Supervisor.V1;

namespace Supervisor.Client.Events;

/// <summary>One call that streams events, of either kind of server.</summary>
internal sealed class EventSource : IDisposable
{
    /// <summary>The header with the number of the event after the last one.</summary>
    internal const string NextHeader = "supervisor-next-event";

    private readonly IDisposable _call;
    private readonly Func<CancellationToken, Task<PublishedEvent?>> _next;

    private EventSource(IDisposable call, Func<CancellationToken, Task<PublishedEvent?>> next, long start, bool hasHistory) =>
        (_call, _next, Start, HasHistory) = (call, next, start, hasHistory);

    /// <summary>The number to continue from while no event has been received.</summary>
    public long Start { get; }

    /// <summary>Whether a later call can continue where this one ended.</summary>
    public bool HasHistory { get; }

    /// <summary>A Supervisor daemon's events.</summary>
    /// <param name="connection">Whose namespace is followed.</param>
    /// <param name="from">The first number; 0 for new events.</param>
    /// <param name="cancel">Ends the opening; disposing ends the call.</param>
    /// <exception cref="RpcException">Unimplemented: it is containerd.</exception>
    public static async Task<EventSource> OpenHistoryAsync(DaemonConnection connection, long from, CancellationToken cancel)
    {
        var call = connection.History.Subscribe(
            new EventsSubscribeRequest { From = from, Filters = { Filter(connection) } },
            connection.Streaming(CancellationToken.None));
        try
        {
            // Sent when the subscription is established.
            var headers = await call.ResponseHeadersAsync.WaitAsync(connection.Options.Timeout, cancel);
            var next = headers.GetValue(NextHeader);
            if (next is null && await call.ResponseStream.MoveNext(cancel) is var _) // refused: that throws
                throw new RpcException(new Status(StatusCode.Unimplemented, "the daemon's events have no numbers"));
            return new EventSource(call, async cancel =>
            {
                if (!await call.ResponseStream.MoveNext(cancel)) return null;
                var e = call.ResponseStream.Current;
                return new PublishedEvent(e.Number, e.Timestamp, e.Topic, e.Event_);
            }, long.Parse(next!, CultureInfo.InvariantCulture), hasHistory: true);
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    /// <summary>containerd's events: new ones only.</summary>
    public static async Task<EventSource> OpenNewAsync(DaemonConnection connection, CancellationToken cancel)
    {
        var call = connection.Events.Subscribe(
            new SubscribeRequest { Filters = { Filter(connection) } }, connection.Streaming(CancellationToken.None));
        try
        {
            // containerd sends no headers before the first event: the answer to a later call is the next best sign.
            using var version = connection.Version.VersionAsync(
                new Empty(), connection.Streaming(cancel).WithDeadline(DateTime.UtcNow + connection.Options.Timeout));
            await version;
            return new EventSource(call, async cancel =>
            {
                if (!await call.ResponseStream.MoveNext(cancel)) return null;
                var e = call.ResponseStream.Current;
                return new PublishedEvent(0, e.Timestamp, e.Topic, e.Event);
            }, start: 0, hasHistory: false);
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    /// <returns>Null: the server has ended the stream.</returns>
    public Task<PublishedEvent?> NextAsync(CancellationToken cancel) => _next(cancel);

    public void Dispose() => _call.Dispose();

    private static string Filter(DaemonConnection connection) =>
        $"namespace==\"{connection.Options.Namespace}\",topic~=|^/tasks/|";
}
