namespace Supervisor.Host.Arguments;

/// <summary>Where a daemon is when nothing else is said: shared by <c>supervisor serve</c> and its clients.</summary>
internal static class DaemonDefaults
{
    /// <summary>The socket.</summary>
    public const string Address = "/run/supervisor/supervisor.sock";

    /// <summary>What survives a reboot.</summary>
    public const string Root = "/var/lib/supervisor";

    /// <summary>What need not, with that root.</summary>
    public const string State = "/run/supervisor";
}
