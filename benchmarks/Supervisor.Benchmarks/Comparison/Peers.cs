namespace Supervisor.Benchmarks.Comparison;

/// <summary>The programs that ours are compared with, where they are installed.</summary>
internal static class Peers
{
    private static readonly string[] All = ["containerd", "runc", "crun", "podman", "dockerd", "docker"];

    public static bool HasContainerd => Has("containerd") && Has("runc");

    public static IEnumerable<string> Missing => All.Where(p => !Has(p));

    public static IEnumerable<string> Present => All.Where(Has);

    public static bool Has(string program) => PathOf(program) is not null;

    public static string? PathOf(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Append("/usr/sbin").Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);
}
