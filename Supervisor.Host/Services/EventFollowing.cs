using System.Globalization;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Events;
using Supervisor.Host.Daemon;
using Supervisor.Host.Filters;

namespace Supervisor.Host.Services;

/// <summary>Reads the history for a subscriber, at the subscriber's pace: both event services use it.</summary>
public sealed class EventFollowing(SupervisorSystem system, DaemonLifetime lifetime)
{
    /// <summary>Most events held for a subscriber; beyond them it reads from the journal.</summary>
    public const int Window = 256;

    /// <summary>
    /// The response header that says where to resume if the daemon stops before an event comes: <c>from</c> of the next
    /// subscription.
    /// </summary>
    public const string NextHeader = "supervisor-next-event";

    private static readonly TimeSpan EstablishTimeout = TimeSpan.FromMinutes(1);

    /// <summary>Forwards events until the call ends.</summary>
    /// <param name="from">The first number; 0: only new events.</param>
    /// <exception cref="RpcException">OUT_OF_RANGE, or UNAVAILABLE when the daemon stops.</exception>
    internal async Task FollowAsync(
        long from, FilterSet filters, Func<PublishedEvent, CancellationToken, Task> write, ServerCallContext context)
    {
        var reader = system.System.ActorOf(EventHistoryActor.Props(system.EventPublisher, from, Window));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        try
        {
            var established = await reader.Ask<EventHistory.Established>(
                EventHistory.Establish.Instance, EstablishTimeout, either.Token);
            // The subscription is established when the headers arrive, which is before the first event.
            await context.WriteResponseHeadersAsync(
                [new Metadata.Entry(NextHeader, established.Next.ToString(CultureInfo.InvariantCulture))]);
            await foreach (var page in PagesAsync(reader, either.Token))
                foreach (var @event in page)
                    if (filters.Matches(EventFields.Of(@event))) await write(@event, either.Token);
        }
        catch (OperationCanceledException) when (lifetime.Stopping.IsCancellationRequested)
        {
            throw GrpcTranslation.Refuse(StatusCode.Unavailable, GrpcTranslation.Stopping);
        }
        finally
        {
            system.System.Stop(reader);
        }
    }

    private static async IAsyncEnumerable<IReadOnlyList<PublishedEvent>> PagesAsync(
        IActorRef reader, [EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            switch (await reader.Ask<EventHistory>(EventHistory.Pull.Instance, Timeout.InfiniteTimeSpan, cancel))
            {
                case EventHistory.Page page:
                    yield return page.Events;
                    break;
                case EventHistory.Ended ended:
                    throw GrpcTranslation.Refuse(ended.OutOfRange ? StatusCode.OutOfRange : StatusCode.Unavailable, ended.Reason);
            }
        }
    }

    /// <summary>containerd answers UNKNOWN here, and INVALID_ARGUMENT everywhere else.</summary>
    internal static FilterSet Parse(IEnumerable<string> filters)
    {
        try
        {
            return FilterSet.Parse(filters);
        }
        catch (FilterSyntaxException e)
        {
            throw GrpcTranslation.Refuse(
                StatusCode.Unknown, $"subscription error: failed parsing subscription filters: {e.Message}");
        }
    }
}
