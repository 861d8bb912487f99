using Supervisor.Host.Arguments;

namespace Supervisor.Cli.Parsing;

/// <summary>Verbs of docker that have another name here, or belong to another program.</summary>
internal static class DockerWords
{
    private const string Dockerd = "not supported here; dockerd works on this daemon: \"dockerd --containerd SOCKET\"";

    private static readonly string[] Mistyped =
    [
        "build", "commit", "import", "network", "volume",
    ];

    /// <summary>The equivalent here; null for any other word.</summary>
    public static string? Here(string verb) => verb switch
    {
        "remove" or "delete" => "it is \"rm\"",
        "prune" => "\"ps -a\" lists what has exited, \"rm CONTAINER...\" removes it",
        "rename" => "a container's id is its name, and does not change: \"run --name\" chooses it",
        "port" or "commit" or "search" => Dockerd,
        "ls" or "list" or "container" => "containers are listed by \"ps -a\"",
        "daemon" or "dockerd" => "it is \"serve\"",
        "system" => "\"info\" shows the daemon, \"doctor\" the host",
        "import" => "\"load\" reads archives of images; a directory is run by \"run --rootfs DIR\"",
        "build" or "network" or "volume" or "compose" or "swarm" or "node" or "service" or "stack"
            or "context" or "plugin" or "buildx" => Dockerd,
        _ => null,
    };

    /// <summary>The answer for a mistyped verb of docker, if that is as near as <paramref name="slips"/>.</summary>
    public static string? Meant(string typed, int slips)
    {
        var near = Spelling.Nearest(typed, Mistyped);
        return near is not null && Spelling.Slips(typed, near) <= slips ? $"for docker's \"{near}\": {Here(near)}" : null;
    }
}
