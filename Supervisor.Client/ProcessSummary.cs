namespace Supervisor.Client;

/// <summary>A process of a task.</summary>
/// <param name="Pid">In the daemon's pid namespace.</param>
/// <param name="ExecId">The exec that it was started by; null for the first process and for children.</param>
public sealed record ProcessSummary(int Pid, string? ExecId);
