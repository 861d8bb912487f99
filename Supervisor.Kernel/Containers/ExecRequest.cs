using Supervisor.Kernel.Stdio;

namespace Supervisor.Kernel.Containers;

/// <summary>What another process of a container is made from.</summary>
/// <param name="Process">The OCI process's JSON.</param>
/// <param name="Stdio">Its word on the terminal counts, not the spec's.</param>
public sealed record ExecRequest(ReadOnlyMemory<byte> Process, StdioTargets Stdio);
