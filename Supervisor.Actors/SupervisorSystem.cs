using Akka.Actor;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Namespaces;
using Supervisor.Actors.Persistence;
using Supervisor.Storage;

namespace Supervisor.Actors;

/// <summary>The running actor system, as the services see it.</summary>
/// <param name="System">Of the event stream (<see cref="Events.PublishedEvent"/>) and of asks.</param>
/// <param name="Directory">Every container and task as last published.</param>
/// <param name="Containers">Takes <see cref="Containers.ContainerCommand.Create"/>; other commands go to the container
/// itself.</param>
/// <param name="EventPublisher">Takes <see cref="Events.AskHistoryPlace"/>.</param>
/// <param name="ClientEvents">Takes <see cref="Events.ClientEvent"/>.</param>
/// <param name="Namespaces">Takes namespace commands.</param>
/// <param name="Leases">Takes lease commands.</param>
/// <param name="KnownNamespaces">Every namespace as last journalled.</param>
/// <param name="KnownLeases">Every lease as last journalled.</param>
public sealed record SupervisorSystem(
    ActorSystem System,
    ContainerDirectory Directory,
    IActorRef Containers,
    IActorRef EventPublisher,
    IActorRef ClientEvents,
    IActorRef Namespaces,
    IActorRef Leases,
    NamespaceDirectory KnownNamespaces,
    LeaseDirectory KnownLeases)
{
    /// <summary>Images, blobs and snapshots.</summary>
    public required StorageSystem Storage { get; init; }

    /// <summary>Whether the journal has room.</summary>
    public required JournalSpace JournalSpace { get; init; }
}

/// <summary>Images, blobs and snapshots, as the services see them.</summary>
/// <param name="Metadata">Takes metadata commands.</param>
/// <param name="Known">Every image, blob and snapshot as last journalled.</param>
/// <param name="Collector">Takes <see cref="Images.CollectSoon"/> and <see cref="Images.CollectNow"/>.</param>
/// <param name="Files">Their files.</param>
public sealed record StorageSystem(IActorRef Metadata, MetadataDirectory Known, IActorRef Collector, StorageFiles Files);
