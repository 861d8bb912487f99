using Akka.Persistence.Journal;

namespace Supervisor.Actors.Events;

/// <summary>Tags the events that are published, so that the journal keeps them as one stream. Named in hocon/supervisor.hocon.</summary>
public sealed class PublishedEventTagger : IWriteEventAdapter
{
    /// <summary>The tag of every published event.</summary>
    public const string Tag = "published";

    /// <inheritdoc/>
    public string Manifest(object evt) => "";

    /// <inheritdoc/>
    public object ToJournal(object evt) => EventMappers.TopicOf(evt) is null ? evt : new Tagged(evt, [Tag]);
}
