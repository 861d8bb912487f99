using Akka.Actor;

namespace Supervisor.Actors.Tasks;

/// <summary>One exec as last published.</summary>
/// <param name="Exited">Completes with its exit, once it is journalled; is cancelled when the daemon stops.</param>
public sealed record ExecView(ExecState.Present State, Task<TaskExit> Exited);

/// <summary>One run of a task as last published.</summary>
/// <param name="Actor">Takes <see cref="TaskCommand"/>s; null before the container's task actor exists.</param>
/// <param name="Exited">
/// Completes with the exit of this run's process, once it is journalled; is cancelled when the daemon stops. Never completes for
/// <see cref="None"/>.
/// </param>
public sealed record TaskView(IActorRef? Actor, TaskState State, Task<TaskExit> Exited)
{
    /// <summary>No task yet.</summary>
    public static TaskView None { get; } = new(null, new TaskState.Absent(), new TaskCompletionSource<TaskExit>().Task);

    /// <summary>False while there is no task: before its creation is recorded and after its delete.</summary>
    public bool Exists => State is TaskState.Present;
}
