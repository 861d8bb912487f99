using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;

namespace Supervisor.Actors.Containers;

/// <summary>A command to a container, answered with a <see cref="ContainerReply"/>.</summary>
/// <param name="At">When the command was received; becomes the created or updated time.</param>
public abstract record ContainerCommand(ContainerId Id, DateTimeOffset At)
{
    /// <summary>Creates the container. <paramref name="Record"/>'s times are ignored: both become
    /// <paramref name="At"/>.</summary>
    public sealed record Create(ContainerId Id, DateTimeOffset At, ContainerRecord Record) : ContainerCommand(Id, At);

    /// <summary>Changes fields of the record.</summary>
    /// <param name="Record">Where the new values are.</param>
    /// <param name="Paths">
    /// containerd's mask: <c>labels</c>, <c>labels.KEY</c>, <c>spec</c>, <c>image</c>, <c>snapshotkey</c>,
    /// <c>extensions</c>, <c>extensions.KEY</c>, <c>runtime</c>; empty replaces all that may change.
    /// </param>
    public sealed record Update(ContainerId Id, DateTimeOffset At, ContainerRecord Record, IReadOnlyList<string> Paths)
        : ContainerCommand(Id, At);

    /// <summary>Deletes the container. Refused with FailedPrecondition while it has a task.</summary>
    public sealed record Delete(ContainerId Id, DateTimeOffset At) : ContainerCommand(Id, At);

    /// <summary>
    /// Creates the task of this container: the container adds its spec and forwards the command to its task, which replies to
    /// the sender with a <see cref="TaskReply"/>.
    /// </summary>
    public sealed record CreateTask(ContainerId Id, DateTimeOffset At, TaskRequest Request) : ContainerCommand(Id, At);

    /// <summary>Forwards the command to the container's task, which replies to the sender with a
    /// <see cref="TaskReply"/>.</summary>
    public sealed record AdoptTask(ContainerId Id, DateTimeOffset At, TaskCommand.Adopt Order) : ContainerCommand(Id, At);
}

/// <summary>The answer to a <see cref="ContainerCommand"/>.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="Record">The container afterwards (before, for a delete); null if there is none.</param>
public sealed record ContainerReply(Refusal? Refusal, ContainerRecord? Record);

/// <summary>
/// What happened to a container. Journalled, so names and fields are a file format: journal/v1/container.proto.
/// </summary>
public abstract record ContainerEvent(DateTimeOffset At)
{
    /// <summary>It was created.</summary>
    public sealed record Created(DateTimeOffset At, ContainerRecord Record) : ContainerEvent(At);

    /// <summary>Its record was changed to this.</summary>
    public sealed record Updated(DateTimeOffset At, ContainerRecord Record) : ContainerEvent(At);

    /// <summary>It was deleted; the id is free.</summary>
    public sealed record Deleted(DateTimeOffset At) : ContainerEvent(At);
}
