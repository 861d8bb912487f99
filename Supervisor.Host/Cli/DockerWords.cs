namespace Supervisor.Host.Cli;

/// <summary>Verbs of docker that are called otherwise here, or are another program's.</summary>
internal static class DockerWords
{
    /// <summary>What does the same here; null for a word that is none of them.</summary>
    public static string? Here(string verb) => verb switch
    {
        "stop" => "\"kill CONTAINER\" asks it to end (SIGTERM), \"kill -9 CONTAINER\" ends it",
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
            "no part of this; dockerd works on this daemon: \"dockerd --containerd SOCKET\"",
        _ => null,
    };
}
