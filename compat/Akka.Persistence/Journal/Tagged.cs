using System.Collections.Immutable;

namespace Akka.Persistence.Journal;

/// <summary>An event with tags, by which a journal may index it. Made by a write event adapter.</summary>
public readonly struct Tagged(object payload, IImmutableSet<string> tags)
{
    public Tagged(object payload, IEnumerable<string> tags) : this(payload, tags.ToImmutableHashSet()) { }

    public object Payload { get; } = payload;
    public IImmutableSet<string> Tags { get; } = tags;
}
