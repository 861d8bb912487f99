namespace Supervisor.Client;

/// <summary>Where a <see cref="SupervisorClient"/> connects to, and what it uses of this machine.</summary>
public sealed record ClientOptions
{
    /// <summary>The socket of a Supervisor daemon that was started without <c>--address</c>.</summary>
    public const string DefaultAddress = "/run/supervisor/supervisor.sock";

    /// <summary>The socket of containerd as distributions package it.</summary>
    public const string ContainerdAddress = "/run/containerd/containerd.sock";

    /// <summary>Path of the daemon's unix socket.</summary>
    public string Address { get; init; } = DefaultAddress;

    /// <summary>containerd's namespace: containers of other namespaces are not visible.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>
    /// Directory of the FIFOs, created with mode 0700. Only this user and root may write to its parent.
    /// </summary>
    public string StdioDirectory { get; init; } = "/run/supervisor-client";

    /// <summary>How long a call may take. Waits and subscriptions have no such limit.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);
}
