using Supervisor.Runtime.Launch;

namespace Supervisor.Shim.Oci;

/// <summary><c>ps</c>: the processes of a container, by pid or as the host's ps(1) shows them.</summary>
internal static class PsVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static readonly Verb Verb = new("ps", "ID [PS-OPTION...]", "show the processes of a container",
        [Flag.Value("format f", "table or json")], 1, int.MaxValue, Run) { StopsAtFirst = true };

    private static int Run(Invocation invocation)
    {
        var format = invocation.Arguments.Text("format") ?? "table";
        if (format is not ("table" or "json")) throw new OciException("invalid format option");
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        var pids = live.Cgroup.Exists ? live.Cgroup.Processes() : [];
        if (format is "json")
        {
            Streams.Write(pids.Count == 0 ? "null\n" : $"[{string.Join(',', pids)}]\n");
            return 0;
        }
        string[] options = invocation.Arguments.Rest.Count > 1 ? [.. invocation.Arguments.Rest.Skip(1)] : ["-ef"];
        using var deadline = new CancellationTokenSource(Patience);
        var (status, output) = HostCommand.Run(["ps", .. options], deadline.Token);
        if (status != 0) throw new OciException($"ps {string.Join(' ', options)}: exit status {status}");
        Streams.Write(Filtered(output, pids.ToHashSet()));
        return 0;
    }

    /// <summary>The heading, and the lines of the container's processes.</summary>
    private static string Filtered(string output, HashSet<int> pids)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var column = lines.Length == 0 ? -1 : Array.IndexOf(Words(lines[0]), "PID");
        if (column < 0) throw new OciException("couldn't find PID field in ps output");
        var kept = lines.Where(
            (line, i) => i == 0 || (
            Words(line) is var words && column < words.Length && int.TryParse(words[column], out var pid) && pids.Contains(pid)));
        return string.Concat(kept.Select(line => line + "\n"));

        static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
