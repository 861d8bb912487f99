using System.Collections.Immutable;
using System.Diagnostics;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Leases;

/// <summary>The result of a command: events, or a refusal.</summary>
public sealed record LeaseDecision(ImmutableArray<LeaseEvent> Events, Refusal? Refusal);

/// <summary>The rules of leases. Pure: no clock, no I/O, no actor.</summary>
public static class LeaseMachine
{
    /// <summary>No lease yet.</summary>
    public static ImmutableDictionary<LeaseKey, Lease> Empty { get; } = ImmutableDictionary<LeaseKey, Lease>.Empty;

    /// <summary>Decides on a command. An expired lease counts as deleted.</summary>
    public static LeaseDecision Decide(ImmutableDictionary<LeaseKey, Lease> state, LeaseCommand command) => command switch
    {
        LeaseCommand.Create c when Live(state, c.Key, c.At) is not null =>
            Refuse(RefusalCode.AlreadyExists, $"lease \"{c.Key.Id}\": already exists"),
        LeaseCommand.Create c when state.ContainsKey(c.Key) =>
            Record(new LeaseEvent.Deleted(c.At, c.Key), new LeaseEvent.Created(c.At, c.Key, c.Labels)),
        LeaseCommand.Create c => Record(new LeaseEvent.Created(c.At, c.Key, c.Labels)),

        LeaseCommand.Delete c when Live(state, c.Key, c.At) is null => NotFound(c.Key),
        LeaseCommand.Delete c => Record(new LeaseEvent.Deleted(c.At, c.Key)),

        LeaseCommand.AddResource c when Live(state, c.Key, c.At) is null => NotFound(c.Key),
        LeaseCommand.AddResource c when state[c.Key].Resources.Contains(c.Resource) => Record(),
        LeaseCommand.AddResource c => Record(new LeaseEvent.ResourceAdded(c.At, c.Key, c.Resource)),

        LeaseCommand.RemoveResource c when Live(state, c.Key, c.At) is null => NotFound(c.Key),
        LeaseCommand.RemoveResource c when !state[c.Key].Resources.Contains(c.Resource) => Record(),
        LeaseCommand.RemoveResource c => Record(new LeaseEvent.ResourceRemoved(c.At, c.Key, c.Resource)),

        LeaseCommand.Expire c => EndAll(state, c.At, l => l.HasExpired(c.At)),
        LeaseCommand.ForgetNamespace c => EndAll(state, c.At, l => l.Key.Namespace == c.Namespace),
        _ => throw new UnreachableException(command.ToString()),
    };

    /// <summary>The leases after the event.</summary>
    public static ImmutableDictionary<LeaseKey, Lease> Apply(ImmutableDictionary<LeaseKey, Lease> state, LeaseEvent @event) =>
        @event switch
    {
        LeaseEvent.Created e => state.SetItem(e.Key, new Lease(e.Key, e.At, e.Labels, [])),
        LeaseEvent.Deleted e => state.Remove(e.Key),
        LeaseEvent.ResourceAdded e =>
            state.SetItem(e.Key, state[e.Key] with { Resources = state[e.Key].Resources.Add(e.Resource) }),
        LeaseEvent.ResourceRemoved e =>
            state.SetItem(e.Key, state[e.Key] with { Resources = state[e.Key].Resources.Remove(e.Resource) }),
        LeaseEvent.Compacted e => e.Leases.ToImmutableDictionary(l => l.Key),
        _ => throw new UnreachableException(@event.ToString()),
    };

    private static Lease? Live(ImmutableDictionary<LeaseKey, Lease> state, LeaseKey key, DateTimeOffset now) =>
        state.GetValueOrDefault(key) is { } lease && !lease.HasExpired(now) ? lease : null;

    private static LeaseDecision EndAll(ImmutableDictionary<LeaseKey, Lease> state, DateTimeOffset at, Func<Lease, bool> which) =>
        new([.. state.Values.Where(which)
            .OrderBy(l => l.Key.Namespace, StringComparer.Ordinal).ThenBy(l => l.Key.Id, StringComparer.Ordinal)
            .Select(l => new LeaseEvent.Deleted(at, l.Key))], null);

    private static LeaseDecision Record(params ReadOnlySpan<LeaseEvent> events) => new([.. events], null);

    private static LeaseDecision NotFound(LeaseKey key) => Refuse(RefusalCode.NotFound, $"lease \"{key.Id}\": not found");

    private static LeaseDecision Refuse(RefusalCode code, string message) => new([], new Refusal(code, message));
}
