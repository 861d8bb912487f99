using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Supervisor.Actors;
using Supervisor.Actors.Events;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Services;

/// <summary>
/// An exit while no daemon ran is published when it is found, at the daemon's start, and a client that lost its stream by the
/// restart subscribes later than that. dockerd, which learns of exits only from this stream, would list the container as
/// running forever. So the first subscription of its kind soon after the start first receives the exits since the start.
/// </summary>
public sealed class MissedExitReplay(SupervisorSystem system, DaemonLifetime lifetime)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30), AnswerWithin = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, bool> _replayed = new(StringComparer.Ordinal); // grows for half a minute only

    /// <returns>The place in the history, if the subscription is to receive the exits since the daemon's start; otherwise
    /// null.</returns>
    internal async Task<HistoryPlace?> PlaceAsync(IEnumerable<string> filters, CancellationToken cancel) =>
        Stopwatch.GetElapsedTime(lifetime.Began) <= Soon && _replayed.TryAdd(string.Join('\n', filters), true)
            ? await system.EventPublisher.Ask<HistoryPlace>(AskHistoryPlace.Instance, AnswerWithin, cancel)
            : null;

    /// <summary>Whether it is an event that is replayed to such a subscription.</summary>
    internal static bool IsEnd(PublishedEvent e) => e.Topic is "/tasks/exit" or "/tasks/oom";
}
