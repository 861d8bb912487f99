using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Namespaces;

/// <summary>A command to the namespaces, answered with a <see cref="NamespaceReply"/>.</summary>
/// <param name="Name">The namespace the command is about.</param>
/// <param name="At">When the command was received.</param>
public abstract record NamespaceCommand(string Name, DateTimeOffset At)
{
    /// <summary>Creates the namespace and publishes an event.</summary>
    /// <param name="PublishedIn">The namespace of the caller, in which containerd publishes the event.</param>
    public sealed record Create(
        string Name, DateTimeOffset At, ImmutableSortedDictionary<string, string> Labels, string PublishedIn)
        : NamespaceCommand(Name, At);

    /// <summary>Creates the namespace if it does not exist, at the first write into it. Never refused; publishes no
    /// event.</summary>
    public sealed record Ensure(string Name, DateTimeOffset At) : NamespaceCommand(Name, At);

    /// <summary>Changes labels.</summary>
    /// <param name="Labels">Where the new values are; an empty value removes the label.</param>
    /// <param name="Paths"><c>labels</c> or <c>labels.KEY</c>; empty means <c>labels</c>.</param>
    public sealed record Update(
        string Name, DateTimeOffset At, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths,
            string PublishedIn)
        : NamespaceCommand(Name, At);

    /// <summary>Deletes the namespace and its leases.</summary>
    public sealed record Delete(string Name, DateTimeOffset At) : NamespaceCommand(Name, At);
}

/// <summary>The answer to a <see cref="NamespaceCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="Labels">Of the namespace afterwards; empty after a delete.</param>
public sealed record NamespaceReply(Refusal? Refusal, ImmutableSortedDictionary<string, string> Labels);

/// <summary>
/// What happened to a namespace. Journalled, so names and fields are a file format: journal/v1/namespaces.proto.
/// </summary>
public abstract record NamespaceEvent(DateTimeOffset At, string Name)
{
    /// <summary>It was created.</summary>
    /// <param name="PublishedIn">Empty: no event is published.</param>
    public sealed record Created(
        DateTimeOffset At, string Name, ImmutableSortedDictionary<string, string> Labels, string PublishedIn)
        : NamespaceEvent(At, Name);

    /// <summary>It has these labels now.</summary>
    public sealed record Updated(
        DateTimeOffset At, string Name, ImmutableSortedDictionary<string, string> Labels, string PublishedIn)
        : NamespaceEvent(At, Name);

    /// <summary>It was deleted.</summary>
    public sealed record Deleted(DateTimeOffset At, string Name) : NamespaceEvent(At, Name);
}
