using System.Diagnostics;
using System.Globalization;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// A cgroup of one daemon: what it and all of its descendants take, also those that have exited, except for containers, which
/// have cgroups of their own.
/// </summary>
internal sealed class CgroupUsage(string parent, string name)
{
    private static readonly bool IsUnified = File.Exists("/sys/fs/cgroup/cgroup.controllers");
    private readonly string _directory =
        Directory.CreateDirectory($"/sys/fs/cgroup/{(IsUnified ? "" : "cpuacct/")}{parent}/{name}").FullName;

    /// <summary>Processor time in milliseconds, user and system.</summary>
    public double Milliseconds => IsUnified
        ? Number(File.ReadLines(Path.Combine(_directory, "cpu.stat")).First().Split(' ')[1]) / 1e3
        : Number(File.ReadAllText(Path.Combine(_directory, "cpuacct.usage"))) / 1e6;

    /// <summary>Proportional set size of all processes. proc(5), smaps_rollup.</summary>
    public double ResidentMegabytes => File.ReadLines(Path.Combine(_directory, "cgroup.procs")).Sum(PssKilobytes) / 1024;

    /// <summary>As <see cref="ResidentMegabytes"/>, of the processes whose name contains this.</summary>
    public double ResidentMegabytesOf(string program) => File.ReadLines(Path.Combine(_directory, "cgroup.procs"))
        .Where(p => NameOf(p).Contains(program, StringComparison.Ordinal)).Sum(PssKilobytes) / 1024;

    /// <summary>
    /// Starts a program in this cgroup. Moving a process by cgroup.procs of v1 would wait for all forks on the machine.
    /// </summary>
    /// <param name="log">Receives its output.</param>
    public Process Start(IReadOnlyList<string> command, string log) => Process.Start(new ProcessStartInfo("/bin/sh",
        ["-c", "echo $$ >\"$1\" && log=$2 && shift 2 && exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh",
            Path.Combine(_directory, IsUnified ? "cgroup.procs" : "tasks"), log, .. command]))!;

    private static double Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string NameOf(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm");
        }
        catch (IOException)
        {
            return ""; // it has exited
        }
    }

    private static double PssKilobytes(string pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/smaps_rollup").First(l => l.StartsWith("Pss:", StringComparison.Ordinal));
            return double.Parse(line["Pss:".Length..^"kB".Length], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has exited
        }
    }
}
