namespace Supervisor.Benchmarks.Comparison;

/// <summary>A daemon that can be started.</summary>
/// <param name="Name">In the tables.</param>
/// <param name="Most">The number of idle containers that it is given: each of containerd's has a shim of 10 MB and more.</param>
/// <param name="Command">The command line, given the directory of persistent data, that of state, and the socket.</param>
internal sealed record DaemonKind(string Name, int Most, Func<string, string, string, string[]> Command)
{
    public static DaemonKind Containerd { get; } = new("containerd + runc", 100, (root, state, socket) =>
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
    });

    /// <summary>What gRPC alone takes: <see cref="FloorServer"/>.</summary>
    public static DaemonKind GrpcAlone { get; } = new("gRPC alone", 0, (_, _, socket) => [Run.Program, "floor", socket]);

    /// <param name="bin">A build's out/bin.</param>
    public static DaemonKind Supervisor(string name, string bin) => new(name, int.MaxValue, (root, state, socket) =>
        [Path.Combine(bin, "supervisor"), "serve", "--address", socket, "--root", $"{root}/root", "--state", $"{state}/state"]);
}
