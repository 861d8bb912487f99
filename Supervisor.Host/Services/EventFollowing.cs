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
public sealed class EventFollowing(SupervisorSystem system, DaemonLifetime lifetime, TimeProvider clock)
{
    /// <summary>Most events held for a subscriber; beyond them it reads from the journal.</summary>
    public const int Window = 256;

    /// <summary>
    /// The response header that says where to resume if the daemon stops before an event comes: <c>from</c> of the next
    /// subscription.
    /// </summary>
    public const string NextHeader = "supervisor-next-event";

    private static readonly TimeSpan EstablishTimeout = TimeSpan.FromMinutes(1);

    /// <summary>Which events a subscriber gets.</summary>
    /// <param name="From">The first number; 0: only new events.</param>
    /// <param name="Since">Instead of a number: the time of the first event; null for a number.</param>
    /// <param name="Until">The time of the last event; null for no end.</param>
    internal sealed record Range(long From, DateTimeOffset? Since, DateTimeOffset? Until);

    /// <summary>Forwards events until the call or the range ends.</summary>
    /// <exception cref="RpcException">OUT_OF_RANGE, or UNAVAILABLE when the daemon stops.</exception>
    internal async Task FollowAsync(
        Range range, FilterSet filters, Func<PublishedEvent, CancellationToken, Task> write, ServerCallContext context)
    {
        var reader = system.System.ActorOf(
            EventHistoryActor.Props(system.EventPublisher, range.From, Window, range.Since?.UtcDateTime));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        try
        {
            var established = await reader.Ask<EventHistory.Established>(
                EventHistory.Establish.Instance, EstablishTimeout, either.Token);
            // The subscription is established when the headers arrive, which is before the first event.
            await context.WriteResponseHeadersAsync(
                [new Metadata.Entry(NextHeader, established.Next.ToString(CultureInfo.InvariantCulture))]);
            await foreach (var page in PagesAsync(reader, established.Next - 1, range.Until, either.Token))
            {
                foreach (var @event in page)
                    if (!(@event.At < range.Since || @event.At > range.Until) && filters.Matches(EventFields.Of(@event)))
                        await write(@event, either.Token);
            }
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

    /// <param name="last">The number before the first event.</param>
    /// <param name="until">When it ends: with the last event that is published then.</param>
    private async IAsyncEnumerable<IReadOnlyList<PublishedEvent>> PagesAsync(
        IActorRef reader, long last, DateTimeOffset? until, [EnumeratorCancellation] CancellationToken cancel)
    {
        var timeIsUp = Task.Delay(until is { } time ? Left(time) : Timeout.InfiniteTimeSpan, clock, cancel);
        while (true)
        {
            var pull = reader.Ask<EventHistory>(EventHistory.Pull.Instance, Timeout.InfiniteTimeSpan, cancel);
            await Task.WhenAny(pull, timeIsUp);
            if (timeIsUp.IsCompletedSuccessfully && !pull.IsCompleted)
            {
                var now = await reader.Ask<EventHistory.Established>(EventHistory.Establish.Instance, EstablishTimeout, cancel);
                if (now.Last <= last) yield break;
            }
            switch (await pull)
            {
                case EventHistory.Page page:
                    yield return page.Events;
                    last = page.Events[^1].Number;
                    break;
                case EventHistory.Ended ended:
                    throw GrpcTranslation.Refuse(ended.OutOfRange ? StatusCode.OutOfRange : StatusCode.Unavailable, ended.Reason);
            }
        }
    }

    // Timers have a longest time: 49 days.
    private TimeSpan Left(DateTimeOffset until) =>
        TimeSpan.FromMilliseconds(Math.Clamp((until - clock.GetUtcNow()).TotalMilliseconds, 0, uint.MaxValue - 1));

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
