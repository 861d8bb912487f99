using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel;

/// <summary>A system call failed with an errno that the caller did not expect.</summary>
/// <param name="operation">The call, in the kernel's spelling, e.g. <c>openat2</c>.</param>
/// <param name="errno">Why it failed.</param>
/// <param name="subject">What it was done to, usually a path; null where the call has no object.</param>
public sealed class SyscallException(string operation, Errno errno, string? subject = null)
    : IOException(subject is null ? $"{operation}: {errno}" : $"{operation} \"{subject}\": {errno}")
{
    /// <summary>The call, in the kernel's spelling.</summary>
    public string Operation { get; } = operation;

    /// <summary>Why it failed.</summary>
    public Errno Errno { get; } = errno;
}
