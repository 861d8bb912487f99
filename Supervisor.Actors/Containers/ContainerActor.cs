using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Google.Protobuf;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Containers;

/// <summary>
/// The shell of <see cref="ContainerMachine"/>, and the parent of the container's task actor. It never waits for the task:
/// every call is answered at once, even while the task starts, stops, or is stuck in the kernel.
/// </summary>
public sealed class ContainerActor : JournalledActor
{
    private readonly ContainerId _id;
    private readonly NodeServices _node;
    private readonly ContainerDirectory _directory;
    private ContainerState _state = new ContainerState.Absent();
    private IActorRef? _task;
    private (ContainerCommand.Delete Command, IActorRef Asker)? _deleting; // not journalled: a client that lost its reply retries

    /// <param name="id">Which container.</param>
    /// <param name="node">What the actors share.</param>
    /// <param name="directory">What containers publish.</param>
    public ContainerActor(ContainerId id, NodeServices node, ContainerDirectory directory) =>
        (_id, _node, _directory, PersistenceId) = (id, node, directory, PersistenceIds.OfContainer(id));

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <summary>How to create one.</summary>
    public static Props Props(ContainerId id, NodeServices node, ContainerDirectory directory) =>
        Akka.Actor.Props.Create<ContainerActor>(id, node, directory); // an expression tree would be interpreted each time

    /// <summary>The container is deleted and its journal empty: the parent may stop this actor.</summary>
    internal sealed record Passivate(ContainerId Id);

    /// <summary>The parent is about to stop this actor: is there still no container?</summary>
    internal sealed record ConfirmPassivation;

    /// <summary>Whether there is still no container.</summary>
    internal sealed record PassivationAnswer(ContainerId Id, bool IsAbsent);

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case ContainerCommand.Delete when _deleting is not null:
                Sender.Tell(new ContainerReply(
                    new Refusal(RefusalCode.NotFound, ContainerMachine.NotFoundMessage(_id)), null));
                break;
            case ContainerCommand.Delete delete when _task is not null:
                _deleting = (delete, Sender);
                _task.Tell(TaskActor.Retire.Instance);
                break;
            case TaskActor.RetireAnswer answer when _deleting is { } deleting:
                if (answer.Retired) Handle(deleting.Command, deleting.Asker);
                else
                {
                    deleting.Asker.Tell(new ContainerReply(
                        new Refusal(RefusalCode.FailedPrecondition,
                            $"container \"{_id.Value}\" has a task: delete the task first"), Record));
                    _deleting = null;
                }
                break;
            case ConfirmPassivation:
                Sender.Tell(new PassivationAnswer(_id, _state is ContainerState.Absent));
                break;
            case ContainerCommand.CreateTask create:
                CreateTask(create, Sender);
                break;
            case ContainerCommand.AdoptTask adopt when _task is not null && _deleting is null:
                _task.Tell(adopt.Order, Sender);
                break;
            case ContainerCommand command:
                Handle(command, Sender);
                break;
            case DeleteMessagesSuccess or DeleteMessagesFailure:
                break; // events that remain are deleted when the id is used again
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override bool Tolerate(DamagedEventsException damage)
    {
        _node.MarkDamaged(_id, damage);
        return true;
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case ContainerEvent e:
                _state = ContainerMachine.Apply(_state, e);
                break;
            case RecoveryCompleted:
                if (Record is { } record)
                {
                    _directory.Publish(record, Self, _task); // first: the task publishes into this entry
                    StartTaskActor();
                }
                else
                {
                    // The daemon died between the id's registration and the record, or between the delete and the release of
                    // the id: there is no task to wait for, and the id becomes free.
                    _node.Readiness.TaskRecovered(_id);
                    RequestPassivation();
                }
                _node.Readiness.ContainerRecovered(_id);
                break;
        }
    }

    private ContainerRecord? Record => (_state as ContainerState.Present)?.Record;

    private void Handle(ContainerCommand command, IActorRef asker)
    {
        var decision = ContainerMachine.Decide(_state, command);
        if (decision.Event is null)
        {
            asker.Tell(new ContainerReply(decision.Refusal, Record));
            if (_state is ContainerState.Absent) Context.Parent.Tell(new Passivate(_id));
            return;
        }
        Failpoint.Pass("before", $"journal container {decision.Event.GetType().Name}");
        Persist(decision.Event, e =>
        {
            Failpoint.Pass("after", $"journal container {e.GetType().Name}");
            var before = Record;
            _state = ContainerMachine.Apply(_state, e);
            if (Record is { } record) _directory.Publish(record, Self, _task);
            else Forget();
            ReportApplied(_node.EventPublisher, ContainerEventMapper.TopicOf(e));
            asker.Tell(new ContainerReply(null, Record ?? before));
            // After the answer: another actor takes a tenth of a millisecond.
            if (Record is null) RequestPassivation();
            else StartTaskActor();
        });
    }

    private void CreateTask(ContainerCommand.CreateTask command, IActorRef asker)
    {
        if (Record is not { } record || _deleting is not null || _task is null)
            asker.Tell(new TaskReply(
                new Refusal(RefusalCode.NotFound, ContainerMachine.NotFoundMessage(_id)), new TaskState.Absent()));
        else if (record.Spec is null)
            asker.Tell(new TaskReply(
                new Refusal(RefusalCode.InvalidArgument, "container.spec: the container has none"), new TaskState.Absent()));
        else
        {
            ImmutableArray<RootfsMount> rootfs;
            try
            {
                rootfs = command.Request.Rootfs is { IsEmpty: false } given ? given : ContainerRootfs.Of(record);
            }
            catch (InvalidProtocolBufferException e)
            {
                asker.Tell(new TaskReply(
                    new Refusal(RefusalCode.InvalidArgument,
                    $"container.extensions[{ContainerRootfs.Extension}]: {e.Message}"), new TaskState.Absent()));
                return;
            }
            var setup = new TaskSetup(_node.BundleOf(_id), command.Request.Stdio, rootfs) { Trace = command.Request.Trace };
            _task.Tell(new TaskCommand.Create(_id, command.At, setup, record.Spec.Value.Memory, command.Request.Restore), asker);
        }
    }

    private void StartTaskActor() => _task ??= Context.ActorOf(TaskActor.Props(_id, _node), "task");

    private void Forget()
    {
        _deleting = null;
        _directory.Remove(_id);
    }

    /// <summary>
    /// Recovery no longer needs its events, and the parent may stop this actor: that its id is free is journalled after they
    /// are deleted.
    /// </summary>
    private void RequestPassivation()
    {
        if (LastSequenceNr > 0) DeleteMessages(LastSequenceNr);
        Context.Parent.Tell(new Passivate(_id));
    }
}
