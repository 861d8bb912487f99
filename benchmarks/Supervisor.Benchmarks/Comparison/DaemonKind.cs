namespace Supervisor.Benchmarks.Comparison;

/// <summary>A daemon that can be started.</summary>
/// <param name="Name">In the tables.</param>
/// <param name="Most">The number of idle containers that it is given: each of containerd's has a shim of 10 MB and more.</param>
/// <param name="Command">The command line, given the directory of persistent data, that of state, and the socket.</param>
internal sealed record DaemonKind(string Name, int Most, Func<string, string, string, string[]> Command)
{
    private const int MostShims = 100;

    public static DaemonKind Containerd { get; } = new("containerd + runc", MostShims, ContainerdCommand);

    /// <summary>The runtime of the containers, as containerd names it.</summary>
    public string Runtime { get; private init; } = "io.containerd.runc.v2";

    /// <summary>containerd with our shim in the place of runc's.</summary>
    /// <param name="bin">A build's out/bin.</param>
    public static DaemonKind ContainerdOnOurShim(string bin) => new("containerd + our shim", MostShims,
        (root, state, socket) =>
        [
            "/usr/bin/env", $"PATH={bin}:{Environment.GetEnvironmentVariable("PATH")}", .. ContainerdCommand(root, state, socket),
        ])
    {
        Runtime = "io.containerd.supervisor.v2",
    };

    private static string[] ContainerdCommand(string root, string state, string socket)
    {
        var config = Path.Combine(root, "config.toml");
        File.WriteAllText(config, $"""
            version = 2
            root = "{root}/root"
            state = "{state}/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
            [grpc]
            address = "{socket}"
            """);
        return [Peers.PathOf("containerd")!, "--config", config];
    }

    /// <summary>What gRPC alone takes: <see cref="FloorServer"/>.</summary>
    public static DaemonKind GrpcAlone { get; } = new("gRPC alone", 0, (_, _, socket) => [Run.Program, "floor", socket]);

    /// <param name="bin">A build's out/bin.</param>
    public static DaemonKind Supervisor(string name, string bin) => new(name, int.MaxValue, (root, state, socket) =>
        [Path.Combine(bin, "supervisor"), "serve", "--address", socket, "--root", $"{root}/root", "--state", $"{state}/state"]);
}
