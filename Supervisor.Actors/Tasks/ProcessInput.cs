using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// A request about a process's standard streams. Not journalled: an adopted process has none of ours. Answered with a
/// <see cref="ProcessInputReply"/>.
/// </summary>
/// <param name="ExecId">Empty for the init.</param>
public abstract record ProcessInput(ContainerId Id, string ExecId)
{
    /// <summary>The process's input ends once what is in its FIFO has been read.</summary>
    public sealed record Close(ContainerId Id, string ExecId) : ProcessInput(Id, ExecId);

    /// <summary>The terminal's size in characters.</summary>
    public sealed record Resize(ContainerId Id, string ExecId, ushort Columns, ushort Rows) : ProcessInput(Id, ExecId);
}

/// <summary>The reply; null when it was carried out, or there was nothing to do.</summary>
public sealed record ProcessInputReply(Refusal? Refusal);
