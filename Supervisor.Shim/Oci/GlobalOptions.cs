using Supervisor.Runtime.Checkpointing;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>What is said before the verb.</summary>
/// <param name="Root">Where states are kept, absolute.</param>
/// <param name="Criu">The program that makes checkpoints.</param>
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

    /// <exception cref="OciException">Something that cannot be on this host.</exception>
    public static GlobalOptions From(Arguments arguments)
    {
        Log.Configure(arguments.Text("log"), arguments.Text("log-format") ?? "text", arguments.IsSet("debug"));
        if (arguments.Text("rootless") is not (null or "auto" or "true" or "false" or "1" or "0"))
            throw new OciException(
                $"invalid value \"{arguments.Text("rootless")}\" for flag --rootless: it is true, false or auto");
        if (arguments.IsSet("systemd-cgroup"))
        {
            throw new OciException(Directory.Exists("/run/systemd/system")
                ? "--systemd-cgroup: this version makes cgroups itself only; leave the flag out, or set the caller's cgroup "
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
