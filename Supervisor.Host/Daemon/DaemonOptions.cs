using Supervisor.Actors.Persistence;
using Supervisor.Host.Arguments;

namespace Supervisor.Host.Daemon;

/// <summary>The options of a daemon.</summary>
/// <param name="Address">Path of the unix socket.</param>
/// <param name="Root">What must survive a reboot: the journal, the server's id, log files.</param>
/// <param name="State">What need not: bundles, the shim's socket. Empty: derived from the root.</param>
/// <param name="ConfigFile">HOCON that overrides the packaged configuration; null for none.</param>
/// <param name="Group">Group that may use the socket too, by number; null for root alone.</param>
/// <param name="ShimExecutable">supervisor-shim, the parent of containers, which outlives the daemon; null: they are children
/// of this process.</param>
/// <param name="OwnsProcess">This process is the daemon and nothing else.</param>
/// <param name="Criu">The program that makes checkpoints; null: as configured (supervisor.criu).</param>
/// <param name="ShimPerContainer">Each container gets a shim of its own, in place of one for all.</param>
/// <param name="OnMismatch">What to do with running containers that are not in the journal, when it is not the journal they
/// were written to.</param>
/// <param name="Quiet">Log nothing: for an embedded daemon, whose terminal belongs to the container.</param>
public sealed record DaemonOptions(
    string Address, string Root, string State, string? ConfigFile = null, uint? Group = null, bool Quiet = false,
    string? ShimExecutable = null,
    bool OwnsProcess = false, string? Criu = null, bool ShimPerContainer = false,
        JournalMismatch OnMismatch = JournalMismatch.Refuse)
{
    /// <summary>Also log debug messages, with stack traces.</summary>
    public bool Debug { get; init; }

    /// <summary>How long a client may take for the first call on its connection.</summary>
    public TimeSpan FirstCallWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a start that has failed answers calls with its reason: clients of the daemon before it are connecting again.
    /// </summary>
    public TimeSpan RefuseFor { get; init; } = TimeSpan.Zero;

    /// <summary>Where <c>supervisor serve</c> listens and clients look.</summary>
    public const string DefaultAddress = DaemonDefaults.Address;

    /// <summary>The default of <see cref="Root"/>.</summary>
    public const string DefaultRoot = DaemonDefaults.Root;

    /// <summary>The default of <see cref="State"/> with the default root.</summary>
    public const string DefaultState = DaemonDefaults.State;
}
