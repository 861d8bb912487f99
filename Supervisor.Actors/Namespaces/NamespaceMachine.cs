using System.Collections.Immutable;
using System.Diagnostics;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Namespaces;

/// <summary>The result of a command: an event or a refusal, or neither when nothing changes.</summary>
public sealed record NamespaceDecision(NamespaceEvent? Event, Refusal? Refusal);

/// <summary>The rules of namespaces. Pure: no clock, no I/O, no actor.</summary>
public static class NamespaceMachine
{
    private static readonly ImmutableSortedDictionary<string, string> NoLabels =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>No namespace yet.</summary>
    public static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Empty { get; } =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);

    /// <summary>Decides on a command.</summary>
    /// <param name="state">Labels by namespace.</param>
    /// <param name="holds">What the namespace still holds, e.g. <c>2 containers</c>; empty when nothing.</param>
    public static NamespaceDecision Decide(
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> state, NamespaceCommand command,
            string holds) =>
        command switch
        {
            NamespaceCommand.Create c when state.ContainsKey(c.Name) =>
                Refuse(RefusalCode.AlreadyExists, $"namespace \"{c.Name}\": already exists"),
            NamespaceCommand.Create c =>
                Record(new NamespaceEvent.Created(c.At, c.Name, FieldMask.WithoutEmpty(c.Labels), c.PublishedIn)),

            NamespaceCommand.Ensure c when state.ContainsKey(c.Name) => new(null, null),
            NamespaceCommand.Ensure c => Record(new NamespaceEvent.Created(c.At, c.Name, NoLabels, "")),

            // An update of a missing namespace creates it, as in containerd.
            NamespaceCommand.Update c => Update(state.GetValueOrDefault(c.Name, NoLabels), c),

            // A namespace may hold containers without ever having been created: check its contents first.
            NamespaceCommand.Delete c when holds.Length > 0 =>
                Refuse(RefusalCode.FailedPrecondition, $"namespace \"{c.Name}\" must be empty, but it still has {holds}"),
            NamespaceCommand.Delete c when !state.ContainsKey(c.Name) => NotFound(c.Name),
            NamespaceCommand.Delete c => Record(new NamespaceEvent.Deleted(c.At, c.Name)),
            _ => throw new UnreachableException(command.ToString()),
        };

    /// <summary>The namespaces after the event.</summary>
    public static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Apply(
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> state, NamespaceEvent @event) =>
            @event switch
        {
            NamespaceEvent.Created e => state.SetItem(e.Name, e.Labels),
            NamespaceEvent.Updated e => state.SetItem(e.Name, e.Labels),
            NamespaceEvent.Deleted e => state.Remove(e.Name),
            _ => throw new UnreachableException(@event.ToString()),
        };

    private static NamespaceDecision Update(ImmutableSortedDictionary<string, string> old, NamespaceCommand.Update command)
    {
        var labels = command.Paths.IsEmpty ? command.Labels : old;
        foreach (var path in command.Paths)
        {
            if (FieldMask.Apply(labels, command.Labels, path, "labels") is not { } changed)
                return Refuse(RefusalCode.InvalidArgument,
                    $"update_mask: cannot update \"{path}\" of namespace \"{command.Name}\"");
            labels = changed;
        }
        return Record(new NamespaceEvent.Updated(
            command.At, command.Name, FieldMask.WithoutEmpty(labels), command.PublishedIn));
    }

    private static NamespaceDecision Record(NamespaceEvent @event) => new(@event, null);

    private static NamespaceDecision NotFound(string name) => Refuse(RefusalCode.NotFound, $"namespace \"{name}\": not found");

    private static NamespaceDecision Refuse(RefusalCode code, string message) => new(null, new Refusal(code, message));
}
