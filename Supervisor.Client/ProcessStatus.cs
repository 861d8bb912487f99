namespace Supervisor.Client;

/// <summary>What a process does now.</summary>
/// <param name="State">Its state.</param>
/// <param name="Exit">How it ended; null unless it is <see cref="ProcessState.Stopped"/>.</param>
public sealed record ProcessStatus(ProcessState State, ExitStatus? Exit);
