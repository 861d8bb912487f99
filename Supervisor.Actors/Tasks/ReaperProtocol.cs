using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// Asks the reaper to tell the sender (<see cref="TaskCommand.InitExited"/>, <see cref="TaskCommand.OutOfMemory"/>) of a
/// container's end.
/// </summary>
public sealed record WatchInit(ContainerId Id, IContainer Container);

/// <summary>Asks the reaper to tell the sender (<see cref="ExecCommand.Exited"/>) of an exec's end.</summary>
public sealed record WatchExec(ExecId Id, IContainerProcess Process);

/// <summary>
/// A container's init, or an exec of it, ended. Published on the event stream as soon as the kernel says so, before it is
/// journalled.
/// </summary>
/// <param name="Pid">In the daemon's pid namespace.</param>
public sealed record ProcessExited(ContainerId Id, int Pid, TaskExit Exit);

/// <summary>
/// A container's memory ran out. Published on the event stream as soon as the kernel says so, before the exit it may cause.
/// </summary>
public sealed record ContainerOutOfMemory(ContainerId Id);
