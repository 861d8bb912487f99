using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Processes;

/// <summary>Distinguishes processes that had the same pid. proc(5).</summary>
public static class ProcStat
{
    /// <summary>When the process was started, in clock ticks since boot: field 22 of /proc/PID/stat.</summary>
    /// <returns>Null when there is no such process.</returns>
    public static ulong? TryStartTime(int pid)
    {
        try
        {
            return StartTime(KernelFile.Read($"/proc/{pid}/stat"));
        }
        catch (IOException)
        {
            return null; // ENOENT before the read, ESRCH during it
        }
    }

    /// <summary>The current boot: a random UUID that the kernel generates once.</summary>
    public static string BootId { get; } = KernelFile.Read("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>Children of this process that have exited and are not reaped.</summary>
    public static IEnumerable<int> EndedChildren()
    {
        // One call instead of a file of each process of the machine, when there is none: as nearly always.
        if (!Pidfd.HasEndedChild()) yield break;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid)) continue;
            string stat;
            try
            {
                stat = KernelFile.Read(directory + "/stat");
            }
            catch (IOException)
            {
                continue; // gone since it was listed
            }
            var afterName = AfterName(stat, fields: 3);
            if (afterName[0] == "Z"
                && afterName[1] == Environment.ProcessId.ToString(
                System.Globalization.CultureInfo.InvariantCulture)) yield return pid;
        }
    }

    /// <summary>The exit status of a zombie: field 52, in the encoding of wait(2).</summary>
    /// <returns>Null where it is no zombie, or we lack the rights without which the kernel writes 0 there.</returns>
    internal static ExitStatus? TryReadZombie(int pid)
    {
        try
        {
            var afterName = AfterName(KernelFile.Read($"/proc/{pid}/stat"));
            // The link needs the same rights (PTRACE_MODE_READ), and a zombie still has it.
            return afterName[0] is "Z" && new FileInfo($"/proc/{pid}/ns/user").LinkTarget is not null
                ? ExitStatus.FromWaitStatus(int.Parse(afterName[49])) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // reaped meanwhile
        }
    }

    /// <summary>The pid of our parent: field 4.</summary>
    internal static int Parent() => int.Parse(AfterName(KernelFile.Read("/proc/self/stat"), fields: 3)[1]);

    /// <summary>Field 22.</summary>
    internal static ulong StartTime(string stat) => ulong.Parse(AfterName(stat)[19]);

    /// <summary>Fields from the third on: the name in field 2 may hold spaces and parentheses, so counting starts after the last
    /// one.</summary>
    private static string[] AfterName(string stat, int fields = int.MaxValue) =>
        stat[(stat.LastIndexOf(')') + 2)..].Split(' ', fields);
}
