using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Supervisor.Actors;
using Supervisor.Actors.Events;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Services;

/// <summary>
/// What ended while no daemon ran is published when it is found, at the daemon's start, and a client that lost its stream by the
/// restart subscribes later than that. dockerd, whose whole knowledge of exits is this stream, would take the container for
/// running for ever. So the first subscription of its kind that comes soon after the start is told the ends of this life first.
/// </summary>
public sealed class MissedExitReplay(SupervisorSystem system, DaemonLifetime lifetime)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30), AnswerWithin = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, bool> _told = new(StringComparer.Ordinal); // grows for half a minute only

    /// <returns>The history's place, where the subscription is to be told the ends from its first of this life to its last; else
    /// null.</returns>
    internal async Task<HistoryPlace?> PlaceAsync(IEnumerable<string> filters, CancellationToken cancel) =>
        Stopwatch.GetElapsedTime(lifetime.Began) <= Soon && _told.TryAdd(string.Join('\n', filters), true)
            ? await system.EventPublisher.Ask<HistoryPlace>(AskHistoryPlace.Instance, AnswerWithin, cancel)
            : null;

    /// <summary>Whether it is one that a subscription is told though it happened before.</summary>
    internal static bool IsEnd(PublishedEvent e) => e.Topic is "/tasks/exit" or "/tasks/oom";
}
