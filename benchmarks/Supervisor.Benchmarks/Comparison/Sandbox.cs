using System.Globalization;
using Supervisor.Kernel.Processes;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// The pid and mount namespace in which benchmarks/run starts this program: whatever a section leaves behind is in it, and
/// nothing else is.
/// </summary>
internal static class Sandbox
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Our parent is the first process of the namespace, the script.</summary>
    public static bool IsOurs => File.ReadAllText("/proc/1/cmdline").Contains("benchmarks/run", StringComparison.Ordinal)
        && File.ReadLines("/proc/self/status").Contains("PPid:\t1");

    /// <summary>Kills every process but this one and the script, and removes the cgroups of this run.</summary>
    /// <exception cref="TimeoutException">Something is left.</exception>
    public static async Task SweepAsync(string cgroup)
    {
        if (!IsOurs) throw new InvalidOperationException("this process is not in a namespace of the benchmark's own");
        for (var end = DateTime.UtcNow + Patience; KillOthers() || !RemoveCgroups(cgroup); await Task.Delay(20))
        {
            if (DateTime.UtcNow > end)
                throw new TimeoutException($"processes or cgroups are left {Patience.TotalSeconds:0} s after SIGKILL");
        }
    }

    private static bool KillOthers()
    {
        var others = Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(p => p > 1 && p != Environment.ProcessId && !IsZombie(p)).ToList();
        foreach (var pid in others)
        {
            using var pidfd = Pidfd.TryOpen(pid);
            pidfd?.TrySignal(Signal.SIGKILL);
        }
        return others.Count > 0;
    }

    private static bool IsZombie(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true; // it has exited
        }
    }

    private static bool RemoveCgroups(string cgroup)
    {
        var isGone = true;
        foreach (var hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup"))
        {
            var top = Path.Combine(hierarchy, cgroup);
            if (Directory.Exists(top)) isGone &= Remove(top);
        }
        return isGone;

        // Files of a cgroup go with its directory: they cannot be removed first.
        static bool Remove(string directory)
        {
            var isEmpty = true;
            foreach (var each in Directory.EnumerateDirectories(directory)) isEmpty &= Remove(each);
            try
            {
                if (isEmpty) Directory.Delete(directory);
                return isEmpty;
            }
            catch (IOException)
            {
                return false; // EBUSY: a process is still exiting
            }
        }
    }
}
