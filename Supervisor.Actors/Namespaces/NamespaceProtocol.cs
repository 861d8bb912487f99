using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Namespaces;

/// <summary>What the namespaces are told. Answered with a <see cref="NamespaceReply"/>.</summary>
/// <param name="Name">The namespace the command is about.</param>
/// <param name="At">When the command came in.</param>
public abstract record NamespaceCommand(string Name, DateTimeOffset At)
{
    /// <summary>Makes the namespace and tells of it.</summary>
    /// <param name="ToldIn">The namespace of the caller, in which containerd tells the event.</param>
    public sealed record Create(string Name, DateTimeOffset At, ImmutableSortedDictionary<string, string> Labels, string ToldIn)
        : NamespaceCommand(Name, At);

    /// <summary>Makes the namespace if it is not there: the first write into it does. Never refused, told to nobody.</summary>
    public sealed record Ensure(string Name, DateTimeOffset At) : NamespaceCommand(Name, At);

    /// <summary>Changes labels.</summary>
    /// <param name="Labels">Where the new values are; an empty value removes the label.</param>
    /// <param name="Paths"><c>labels</c> or <c>labels.KEY</c>; empty means <c>labels</c>.</param>
    public sealed record Update(
        string Name, DateTimeOffset At, ImmutableSortedDictionary<string, string> Labels, ImmutableArray<string> Paths,
            string ToldIn)
        : NamespaceCommand(Name, At);

    /// <summary>Forgets the namespace and its leases.</summary>
    public sealed record Delete(string Name, DateTimeOffset At) : NamespaceCommand(Name, At);
}

/// <summary>The answer to a <see cref="NamespaceCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="Labels">Of the namespace afterwards; empty after a delete.</param>
public sealed record NamespaceReply(string Name, Refusal? Refusal, ImmutableSortedDictionary<string, string> Labels);

/// <summary>
/// What happened to a namespace. Journalled, so names and fields are a file format: journal/v1/namespaces.proto.
/// </summary>
public abstract record NamespaceEvent(DateTimeOffset At, string Name)
{
    /// <summary>It was made.</summary>
    /// <param name="ToldIn">Empty when it was made silently.</param>
    public sealed record Created(DateTimeOffset At, string Name, ImmutableSortedDictionary<string, string> Labels, string ToldIn)
        : NamespaceEvent(At, Name);

    /// <summary>It has these labels now.</summary>
    public sealed record Updated(DateTimeOffset At, string Name, ImmutableSortedDictionary<string, string> Labels, string ToldIn)
        : NamespaceEvent(At, Name);

    /// <summary>It is gone.</summary>
    public sealed record Deleted(DateTimeOffset At, string Name) : NamespaceEvent(At, Name);
}
