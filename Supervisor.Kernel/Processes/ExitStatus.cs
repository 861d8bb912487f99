namespace Supervisor.Kernel.Processes;

/// <summary>An exit status as shells and container clients show it.</summary>
/// <param name="Code">0–255: the process's own, or 128 + N when signal N killed it.</param>
public readonly record struct ExitStatus(int Code)
{
    /// <summary>exit(<paramref name="status"/>); only the low eight bits count. exit(3).</summary>
    public static ExitStatus Exited(int status) => new(status & 0xff);

    /// <summary>Killed by <paramref name="signal"/>.</summary>
    public static ExitStatus Killed(int signal) => new(128 + signal);

    /// <summary>From the encoding of wait(2)'s status argument.</summary>
    public static ExitStatus FromWaitStatus(int status) => (status & 0x7f) == 0 ? Exited(status >> 8) : Killed(status & 0x7f);
}
