using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Cgroups;

/// <summary>The kernel, or the state of a cgroup, did not allow an operation: which file, which value, why.</summary>
/// <param name="file">The control file or directory, absolute.</param>
/// <param name="value">What was to be written in it; null where nothing was.</param>
/// <param name="errno">Why not.</param>
/// <param name="advice">What the error means or what to do, for the user; null where the errno is enough.</param>
public sealed class CgroupException(string file, string? value, Errno errno, string? advice = null)
    : IOException((value is null ? $"cgroup \"{file}\"" : $"write \"{value}\" to \"{file}\"") + $": {errno}"
        + (advice is null ? "" : $" ({advice})"))
{
    /// <summary>The control file or directory, absolute.</summary>
    public string File { get; } = file;

    /// <summary>What was to be written in it; null where nothing was.</summary>
    public string? Value { get; } = value;

    /// <summary>Why not.</summary>
    public Errno Errno { get; } = errno;
}
