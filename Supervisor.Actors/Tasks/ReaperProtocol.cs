using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// Asks the reaper to report a container's exit and OOM kills to the sender (<see cref="TaskCommand.InitExited"/>,
/// <see cref="TaskCommand.OutOfMemory"/>).
/// </summary>
public sealed record WatchInit(ContainerId Id, IContainer Container);

/// <summary>Asks the reaper to report an exec's exit to the sender (<see cref="ExecCommand.Exited"/>).</summary>
public sealed record WatchExec(ExecId Id, IContainerProcess Process);

/// <summary>
/// A container's init, or an exec of it, exited. Published on the event stream as soon as the kernel reports it, before it is
/// journalled.
/// </summary>
/// <param name="Pid">In the daemon's pid namespace.</param>
public sealed record ProcessExited(ContainerId Id, int Pid, TaskExit Exit);

/// <summary>
/// A container ran out of memory. Published on the event stream as soon as the kernel reports it, before the exit it may cause.
/// </summary>
public sealed record ContainerOutOfMemory(ContainerId Id);
