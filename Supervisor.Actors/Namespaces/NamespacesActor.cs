using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Persistence;

namespace Supervisor.Actors.Namespaces;

/// <summary>
/// The shell of <see cref="NamespaceMachine"/>: journal first, then the event, then the answer. One for all namespaces.
/// </summary>
/// <param name="directory">Where readers look; written by this actor only.</param>
/// <param name="containers">A namespace that holds a container is not deleted.</param>
/// <param name="metadata">Nor one that holds an image, a blob or a snapshot.</param>
/// <param name="leases">Notified when a namespace is deleted.</param>
/// <param name="publisher">Publishes what is journalled.</param>
public sealed class NamespacesActor(
    NamespaceDirectory directory, ContainerDirectory containers, MetadataDirectory metadata, IActorRef leases,
        IActorRef publisher) : JournalledActor
{
    private ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> _state = NamespaceMachine.Empty;

    /// <inheritdoc/>
    public override string PersistenceId => "namespaces";

    /// <summary>How to create one.</summary>
    public static Props Props(
        NamespaceDirectory directory, ContainerDirectory containers, MetadataDirectory metadata, IActorRef leases,
            IActorRef publisher) =>
        Akka.Actor.Props.Create(() => new NamespacesActor(directory, containers, metadata, leases, publisher));

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        if (message is not NamespaceCommand command) { Unhandled(message); return; }
        var asker = Sender;
        var decision = NamespaceMachine.Decide(_state, command, DescribeContents(command.Name));
        PersistEach(decision.Event is { } happened ? [happened] : ImmutableArray<NamespaceEvent>.Empty, e =>
        {
            _state = NamespaceMachine.Apply(_state, e);
            directory.Publish(_state);
            ReportApplied(publisher, NamespaceEventMapper.TopicOf(e));
            if (e is NamespaceEvent.Deleted) leases.Tell(new LeaseCommand.ForgetNamespace(e.Name, e.At), ActorRefs.NoSender);
        });
        DeferAsync(decision, d => asker.Tell(new NamespaceReply(d.Refusal, LabelsOf(command.Name))));
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case NamespaceEvent e:
                _state = NamespaceMachine.Apply(_state, e);
                break;
            case RecoveryCompleted:
                directory.Publish(_state);
                break;
        }
    }

    private string DescribeContents(string @namespace)
    {
        var here = containers.InNamespace(@namespace).Count switch
        {
            0 => "",
            1 => "1 container",
            var n => $"{n} containers",
        };
        return string.Join(", ", ((string[])[here, metadata.State.DescribeContents(@namespace)]).Where(s => s.Length > 0));
    }

    private ImmutableSortedDictionary<string, string> LabelsOf(string name) =>
        _state.GetValueOrDefault(name) ?? ImmutableSortedDictionary<string, string>.Empty;
}
