using System.CommandLine;
using System.CommandLine.Parsing;
using Supervisor.Host.Arguments;

namespace Supervisor.Cli.Parsing;

/// <summary>Options of docker that are not supported here, and what does the same today.</summary>
internal static class DockerOptions
{
    private const string Dockerd = "dockerd has it, and works on this daemon: \"dockerd --containerd SOCKET\"";
    private const string Networks = "a container has no network but a loopback, or the host's with --net host, where no port "
        + "needs to be published";

    /// <summary>The error for an option that a verb does not have.</summary>
    public static string NoSuch(string typed, SymbolResult at)
    {
        var name = typed.Split('=')[0];
        return Verb(at) is { } verb && Instead(verb, name) is { } instead
            ? $"\"{name}\": is not supported: {instead}." : NoSuchOption(typed, at);
    }

    /// <summary>The error for an option that the verb does not have.</summary>
    private static string NoSuchOption(string typed, SymbolResult at)
    {
        var name = typed.Split('=')[0];
        for (var result = at; result is not null; result = result.Parent)
        {
            if (result is CommandResult { Command: var command } && name.StartsWith("--", StringComparison.Ordinal)
                && Spelling.Nearest(name, command.Options.SelectMany(o => o.Aliases.Append(o.Name))
                    .Where(o => o.StartsWith("--", StringComparison.Ordinal))) is { } near)
                return $"\"{name}\": no such option; did you mean \"{near}\"?";
        }
        return $"\"{name}\": no such option.";
    }

    private static string? Instead(string verb, string option) => (verb, option) switch
    {
        ("run", "-v" or "--volume" or "--mount") =>
            Ctr("--mount type=bind,src=/SOURCE,dst=/TARGET,options=rbind:rw"),
        ("run", "--tmpfs" or "--shm-size") => Ctr("--mount type=tmpfs,dst=/TARGET,options=size=64m"),
        ("run", "--privileged" or "--device" or "--cap-add" or "--cap-drop" or "--cpus" or "--cpu-shares" or "--cpu-quota"
            or "--cpu-period" or "--env-file" or "--label" or "--annotation" or "--gpus") =>
            Ctr(option is "--privileged" ? option : $"{option} VALUE"),
        ("run", "-l") => Ctr("--label VALUE"),
        ("run", "-p" or "--publish" or "-P" or "--publish-all" or "--expose" or "--dns" or "--link" or "--ip"
            or "--network-alias") => Networks,
        ("run", "--add-host") => "write the name into etc/hosts of --rootfs DIR",
        ("run", "--entrypoint") => "the program and its arguments come last: \"run --rootfs DIR PROGRAM ARGUMENT...\"",
        ("run", "--restart" or "--health-cmd") => Dockerd,
        ("run", "--pull" or "--platform") =>
            "\"pull IMAGE\" fetches an image, and \"ctr -a SOCKET run IMAGE CONTAINER\" runs it",
        ("pull" or "push", "-a" or "--all-tags") => "name each tag",
        ("pull" or "push", "--disable-content-trust") => "images are checked by their digests, not by signatures: leave it out",
        ("images", "-a" or "--all") => "all images are listed: leave it out",
        ("images", "-f" or "--filter") => "\"images REPOSITORY[:TAG]\" chooses, and --format json has the rest",
        ("rmi", "--no-prune") => "what only the removed names kept is always removed: leave it out",
        ("history", "--format" or "-H" or "--human") => "a table; \"image inspect\" has JSON",
        ("run", "--stop-signal" or "--stop-timeout") => "\"stop -s SIGNAL -t SECONDS CONTAINER\" takes them",
        ("run", "--cidfile") => "\"run -d\" prints the container's id",
        ("run", "--log-driver" or "--log-opt") => "logs are files: --log-max-size and --log-max-files limit them",
        ("run" or "exec", "--ulimit" or "--pid" or "--ipc" or "--uts" or "--userns" or "--cgroupns" or "--sysctl" or "--group-add"
            or "--memory-swap" or "--memory-reservation" or "--oom-score-adj" or "--cpuset-cpus" or "--volumes-from"
            or "--cgroup-parent" or "--runtime") => Dockerd,
        ("exec", "--env-file") => Dockerd,
        ("ps", "-l" or "--latest" or "-n" or "--last") => "\"ps -a --format json\" lists all, with their times",
        ("logs", "--details") => "a log has no attributes; \"inspect CONTAINER\" shows the labels",
        ("rm", "-v" or "--volumes") => "containers have no volumes here: leave it out",
        ("rm", "-l" or "--link") => Networks,
        ("kill" or "attach", "--sig-proxy") => "signals to \"run\" and \"attach\" are passed on, at a terminal its keys are",
        _ => null,
    };

    private static string Ctr(string options) => $"\"ctr -a SOCKET run --rootfs {options} DIR CONTAINER PROGRAM\" has it";

    private static string? Verb(SymbolResult at)
    {
        for (var result = at; result is not null; result = result.Parent)
            if (result is CommandResult { Command: not RootCommand and var verb }) return verb.Name;
        return null;
    }
}
