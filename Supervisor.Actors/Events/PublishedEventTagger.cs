using Akka.Persistence.Journal;
using Supervisor.Actors.Persistence;

namespace Supervisor.Actors.Events;

/// <summary>Tags published events, so that the journal keeps them as one stream. Named in hocon/supervisor.hocon.</summary>
public sealed class PublishedEventTagger : IWriteEventAdapter
{
    /// <inheritdoc/>
    public string Manifest(object evt) => "";

    /// <inheritdoc/>
    public object ToJournal(object evt) =>
        EventMappers.TopicOf(evt) is null ? evt : new Tagged(evt, [JournalConfig.PublishedTag]);
}
