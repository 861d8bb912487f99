using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// Asks the reaper to report a container's exit and OOM kills to the sender (<see cref="TaskCommand.InitExited"/>,
/// <see cref="TaskCommand.OutOfMemory"/>), and what clients of its Shim service do.
/// </summary>
public sealed record WatchInit(ContainerId Id, IContainer Container);

/// <summary>Asks the reaper to report an exec's exit to the sender (<see cref="ExecCommand.Exited"/>).</summary>
public sealed record WatchExec(ExecId Id, IContainerProcess Process);

/// <summary>The execs of a container that clients of its Shim service started, and have not deleted.</summary>
public sealed record ServiceExecsListed(ContainerId Id, DateTimeOffset At, IReadOnlySet<string> ExecIds);
