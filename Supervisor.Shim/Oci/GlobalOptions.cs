using Supervisor.Runtime.Checkpointing;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>The options before the verb.</summary>
/// <param name="Root">The directory of the states, absolute.</param>
/// <param name="Criu">The criu(8) executable.</param>
internal sealed record GlobalOptions(string Root, string Criu)
{
    public static readonly Flag[] Flags =
    [
        Flag.Value("root", "directory of the containers' states"),
        Flag.Value("log", "file for messages (default: standard error)"),
        Flag.Value("log-format", "text or json"),
        Flag.Switch("debug", "more messages"),
        Flag.Switch("systemd-cgroup", "let systemd make the cgroups"),
        Flag.Value("rootless", "true, false or auto"),
        Flag.Value("criu", "path of criu(8) (default: $SUPERVISOR_CRIU, else criu)"),
        Flag.Switch("help h", "show help"),
        Flag.Switch("version v", "print the version"),
    ];

    /// <exception cref="OciException">An option is invalid or not supported on this host.</exception>
    public static GlobalOptions From(Arguments arguments)
    {
        Log.Configure(arguments.Text("log"), arguments.Text("log-format") ?? "text", arguments.IsSet("debug"));
        if (arguments.Text("rootless") is not (null or "auto" or "true" or "false" or "1" or "0"))
            throw new OciException(
                $"invalid value \"{arguments.Text("rootless")}\" for flag --rootless: must be true, false or auto");
        if (arguments.IsSet("systemd-cgroup"))
        {
            throw new OciException(Directory.Exists("/run/systemd/system")
                ? "--systemd-cgroup: not supported: cgroups are created directly; omit the flag, or set the caller's cgroup "
                    + "manager to cgroupfs"
                : "--systemd-cgroup: systemd not running on this host, cannot use systemd cgroups manager");
        }
        return new GlobalOptions(
            Path.GetFullPath(arguments.Text("root") is { Length: > 0 } root ? root : DefaultRoot),
            arguments.Text("criu") is { Length: > 0 } criu ? criu : CheckpointOptions.DefaultCriu);
    }

    private static string DefaultRoot =>
        geteuid() != 0 && Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } own
        ? Path.Join(own, "supervisor-oci") : "/run/supervisor-oci";
}
