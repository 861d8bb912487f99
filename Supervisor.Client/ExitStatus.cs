namespace Supervisor.Client;

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code; 128 + N for signal N.</param>
/// <param name="ExitedAt">When.</param>
public sealed record ExitStatus(int Code, DateTimeOffset ExitedAt);
