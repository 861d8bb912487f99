using System.CommandLine;

namespace Supervisor.Host.Arguments;

/// <summary>
/// The options of <c>serve</c>. This folder is compiled into both programs: the command line, which checks them and has their
/// help, and the daemon that it executes.
/// </summary>
internal static class ServeArguments
{
    public const string PerContainer = "per-container";

    public static Option<string?> Address { get; } = new("--address")
    {
        Description = $"Socket of the daemon (default for clients SUPERVISOR_ADDRESS, or {DaemonDefaults.Address})",
        HelpName = "SOCKET",
        Recursive = true,
    };

    public static Option<string> Namespace { get; } = new("--namespace")
    {
        Description = "Namespace of containers and tasks; -n before the verb (default SUPERVISOR_NAMESPACE, or \"default\")",
        HelpName = "NAME",
        Recursive = true,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SUPERVISOR_NAMESPACE") is { Length: > 0 } variable
            ? variable : "default",
    };

    public static Option<string> Root { get; } = new("--root")
    {
        Description = "What survives a reboot: journal, logs",
        HelpName = "DIR",
        DefaultValueFactory = _ => DaemonDefaults.Root,
    };

    public static Option<string?> State { get; } = new("--state")
    {
        Description = $"What need not: bundles, sockets (default {DaemonDefaults.State}, and below it for any other "
            + "root than the default)",
        HelpName = "DIR",
    };

    public static Option<string?> Config { get; } = new("--config")
    {
        Description = "HOCON that overrides the packaged configuration",
        HelpName = "FILE",
    };

    public static Option<string?> Group { get; } = new("--group")
    {
        Description = "Group that may use the socket too (mode 0660)",
        HelpName = "NAME|GID",
    };

    public static Option<string> Shim { get; } = new("--shim")
    {
        Description = "Parent of containers: node (one shim, which outlives the daemon), per-container (a shim each), none (the "
            + "daemon itself), or a shim's path for node, which for per-container follows a colon",
        HelpName = "node|per-container|none|FILE",
        DefaultValueFactory = _ => "node",
    };

    public static Option<bool> Adopt { get; } = new("--adopt")
    {
        Description = "Adopt running containers that are not in the journal, because it is missing, damaged or older than they "
            + "are",
    };

    public static Option<bool> Forget { get; } = new("--forget")
    {
        Description = "Kill and remove running containers that are not in the journal for such a reason",
    };

    public static Option<bool> Debug { get; } = new("--debug") { Description = "Also log debug messages, with stack traces" };

    /// <summary>The verb, without an action.</summary>
    public static Command Create()
    {
        var command = new Command("serve", "Runs the daemon") { Root, State, Config, Group, Shim, Adopt, Forget, Debug };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Adopt) && result.GetValue(Forget)) result.AddError("--adopt and --forget: use only one of them");
        });
        return command;
    }
}
