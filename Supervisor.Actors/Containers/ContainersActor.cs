using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Containers;

/// <summary>
/// The registry and parent of all containers. Only creates pass through here; every other command goes to the container itself.
/// </summary>
public sealed class ContainersActor : CompactingActor
{
    private const int CompactEvery = 512;

    private readonly NodeServices _node;
    private readonly ContainerDirectory _directory;
    private readonly HashSet<ContainerId> _registered = [];
    private readonly Dictionary<ContainerId, IActorRef> _children = [];
    // the id is free only after the child has stopped: commands for it are stashed
    private readonly HashSet<ContainerId> _passivating = [];

    /// <param name="node">What the actors share.</param>
    /// <param name="directory">What containers publish.</param>
    public ContainersActor(NodeServices node, ContainerDirectory directory) => (_node, _directory) = (node, directory);

    /// <inheritdoc/>
    public override string PersistenceId => JournalContents.Registry;

    /// <summary>How to create one.</summary>
    public static Props Props(NodeServices node, ContainerDirectory directory) =>
        Akka.Actor.Props.Create(() => new ContainersActor(node, directory));

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case ContainerCommand command when _directory.Refuse(command.Id) is { } damaged:
                Sender.Tell(new ContainerReply(damaged, null));
                break;
            case ContainerCommand command when _passivating.Contains(command.Id):
                Stash.Stash();
                break;
            case ContainerCommand command when _children.TryGetValue(command.Id, out var child):
                child.Forward(command);
                break;
            case ContainerCommand.Create create:
                var asker = Sender;
                Failpoint.Pass("before", "journal registry Present");
                Persist(new ContainerRegistered(create.Id, Present: true), e =>
                {
                    Failpoint.Pass("after", "journal registry Present");
                    Apply(e);
                    Child(create.Id).Tell(create, asker);
                    CompactIfLong(CompactEvery, () => new RegistryCompacted([.. _registered]));
                });
                break;
            case ContainerCommand command:
                Sender.Tell(new ContainerReply(
                    new Refusal(RefusalCode.NotFound, ContainerMachine.NotFoundMessage(command.Id)), null));
                break;
            case ContainerActor.Passivate passivate when _children.ContainsKey(passivate.Id) && _passivating.Add(passivate.Id):
                // a create may have arrived in between: ask once more, after all that was forwarded
                Sender.Tell(new ContainerActor.ConfirmPassivation());
                break;
            case ContainerActor.Passivate:
                break;
            case ContainerActor.PassivationAnswer { IsAbsent: true } answer when _children.Remove(answer.Id, out var child):
                Failpoint.Pass("before", "journal registry Gone");
                Persist(new ContainerRegistered(answer.Id, Present: false), e =>
                {
                    Failpoint.Pass("after", "journal registry Gone");
                    Apply(e);
                    Context.Stop(child);
                });
                break;
            case ContainerActor.PassivationAnswer answer when _passivating.Remove(answer.Id):
                Stash.UnstashAll();
                break;
            case ContainerActor.PassivationAnswer:
                break;
            case Terminated terminated:
                Free(terminated.ActorRef);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case ContainerRegistered e:
                Apply(e);
                break;
            case RegistryCompacted e:
                _registered.Clear();
                _registered.UnionWith(e.Present);
                OnCompactionReplayed();
                break;
            case RecoveryCompleted:
                _node.Readiness.Expect(_registered);
                foreach (var id in _registered) Child(id);
                break;
        }
    }

    private void Apply(ContainerRegistered e)
    {
        if (e.Present) _registered.Add(e.Id);
        else _registered.Remove(e.Id);
    }

    private IActorRef Child(ContainerId id)
    {
        if (_children.TryGetValue(id, out var there)) return there;
        var child = Context.ActorOf(ContainerActor.Props(id, _node, _directory), $"{id.Namespace}:{id.Value}");
        // not WatchWith: its message is lost if Akka stashes it while this actor persists
        Context.Watch(child);
        return _children[id] = child;
    }

    private void Free(IActorRef child)
    {
        var name = child.Path.Name.Split(':');
        var id = ContainerId.Parse(name[0], name[1]);
        if (_children.GetValueOrDefault(id)?.Equals(child) == true) _children.Remove(id); // it failed permanently
        if (_passivating.Remove(id)) Stash.UnstashAll();
    }
}

/// <summary>A container's id was taken, or is free again. Journalled: journal/v1/container.proto.</summary>
/// <remarks>Needs no commit of its own: the container's first event follows it in the journal and is synced.</remarks>
public sealed record ContainerRegistered(ContainerId Id, bool Present) : IDeferredEvent;

/// <summary>All ids in use at one moment; events before it are no longer needed.</summary>
public sealed record RegistryCompacted(ImmutableArray<ContainerId> Present) : IUnsyncedEvent;
