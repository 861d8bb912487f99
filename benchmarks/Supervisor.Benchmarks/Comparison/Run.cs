namespace Supervisor.Benchmarks.Comparison;

/// <summary>What one run compares, how often, and where.</summary>
/// <param name="Bin">The directory of our products.</param>
/// <param name="Others">Directories with the products of other builds of ours.</param>
/// <param name="Floor">The program that floor.c is built into; null where it could not be.</param>
/// <param name="Root">On a disk: persistent data.</param>
/// <param name="State">On a tmpfs, as /run is: data until the next boot, and sockets.</param>
/// <param name="Cgroup">The parent of all cgroups of this run, without a slash.</param>
/// <param name="Rounds">Of what is timed one by one.</param>
/// <param name="Seconds">Of each rate, for each contestant.</param>
internal sealed record Run(
    string Bin, IReadOnlyList<string> Others, string? Floor, string Root, string State, string Cgroup, int Rounds, int Seconds,
    bool IsQuick)
{
    private int _places;

    /// <summary>This program.</summary>
    public static string Program => Environment.ProcessPath!;

    /// <summary>The bundle of the containers that are made through the API, and without one.</summary>
    public Bundle Bundle => field ??= Bundle.ForApi(Path.Combine(Root, "bundle"));

    /// <summary>Ours, then other builds of ours, then containerd if it is there.</summary>
    public IReadOnlyList<DaemonKind> Daemons =>
    [
        DaemonKind.Supervisor("supervisor", Bin), .. Others.Select(b => DaemonKind.Supervisor(NameOf(b), b)),
        .. Peers.HasContainerd ? [DaemonKind.Containerd] : (DaemonKind[])[],
    ];

    /// <summary>A name that no other directory of this run has.</summary>
    public string NewName(string prefix) => $"{prefix}-{Interlocked.Increment(ref _places)}";

    /// <summary>A build's tree: of TREE/out/bin it is TREE.</summary>
    private static string NameOf(string bin) => Path.GetFileName(Path.GetFullPath(Path.Combine(bin, "../..")).TrimEnd('/'));
}
