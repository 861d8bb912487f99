namespace Supervisor.Runtime.Lifecycle;

/// <summary>What a client of a container's Shim service did with it. Exits and OOM kills are reported as always.</summary>
public abstract record ServiceReport
{
    private ServiceReport()
    {
    }

    /// <summary>It started the init's program.</summary>
    public sealed record Started : ServiceReport;

    /// <summary>It paused the container.</summary>
    public sealed record Frozen : ServiceReport;

    /// <summary>It resumed the container.</summary>
    public sealed record Thawed : ServiceReport;

    /// <summary>It started an exec. Reported again after a restart of the daemon, until its exit is collected.</summary>
    /// <param name="Spec">The OCI process's JSON; empty if that is long.</param>
    public sealed record ExecStarted(string Key, ProcessIdentity Process, ReadOnlyMemory<byte> Spec, bool Terminal)
        : ServiceReport;

    /// <summary>It collected the exit of an exec, which is forgotten.</summary>
    public sealed record ExecDeleted(string Key) : ServiceReport;

    /// <summary>All its execs that are known; those that are missing were collected while no daemon ran.</summary>
    public sealed record ExecsListed(IReadOnlySet<string> Keys) : ServiceReport;
}
