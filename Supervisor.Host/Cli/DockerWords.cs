namespace Supervisor.Host.Cli;

/// <summary>Verbs of docker that have another name here, or belong to another program.</summary>
internal static class DockerWords
{
    /// <summary>The equivalent here; null for any other word.</summary>
    public static string? Here(string verb) => verb switch
    {
        "stop" => "\"kill CONTAINER\" asks it to exit (SIGTERM), \"kill -9 CONTAINER\" kills it",
        "restart" => "\"kill CONTAINER\", \"wait CONTAINER\" and \"start CONTAINER\"",
        "remove" or "delete" => "it is \"rm\"",
        "ls" or "list" or "container" => "containers are listed by \"ps -a\"",
        "daemon" or "dockerd" => "it is \"serve\"",
        "create" => "\"run -d\" creates and starts",
        "info" or "system" => "\"doctor\" shows the host, \"version\" the daemon",
        "pause" or "unpause" => $"\"ctr -a SOCKET tasks {(verb is "pause" ? "pause" : "resume")} CONTAINER\" does it",
        "stats" or "top" => $"\"ctr -a SOCKET tasks {(verb is "stats" ? "metrics" : "ps")} CONTAINER\" shows it",
        "pull" or "push" or "images" or "image" or "rmi" or "tag" or "load" or "save" or "import" =>
            "images are handled by \"ctr -a SOCKET images\"",
        "build" or "login" or "network" or "volume" or "compose" =>
            "not supported here; dockerd works on this daemon: \"dockerd --containerd SOCKET\"",
        _ => null,
    };
}
