using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Processes;

/// <summary>The root directory of a process, with all that is mounted in its mount namespace, and its ids. proc(5).</summary>
/// <param name="Directory">Only a place to look from (O_PATH).</param>
/// <param name="UserIds">Ranges of its user namespace: first id inside, first id here, number of ids.</param>
/// <param name="GroupIds">The same of groups.</param>
public sealed record ProcessRoot(
    Fd Directory, IReadOnlyList<(uint Inside, uint Outside, uint Count)> UserIds,
    IReadOnlyList<(uint Inside, uint Outside, uint Count)> GroupIds)
{
    /// <summary>Opens it.</summary>
    /// <param name="startTime">Of the process: another one may have its pid by now.</param>
    /// <returns>Null when it has exited.</returns>
    /// <remarks>The pidfd holds on to the process: that it has not exited afterwards shows that everything was its.</remarks>
    public static ProcessRoot? TryOpen(int pid, ulong startTime)
    {
        using var process = Pidfd.TryOpen(pid);
        if (process is null || ProcStat.TryStartTime(pid) != startTime) return null;
        Fd? directory = null;
        try
        {
            directory = Fd.Open($"/proc/{pid}/root", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
            var root = new ProcessRoot(directory, Map($"/proc/{pid}/uid_map"), Map($"/proc/{pid}/gid_map"));
            if (!process.WaitForExit(TimeSpan.Zero)) return root;
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL)
        {
            // it has exited: neither its root nor its namespaces are there
        }
        directory?.Dispose();
        return null;
    }

    private static List<(uint, uint, uint)> Map(string path) =>
    [
        .. KernelFile.Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse).ToArray())
            .Select(numbers => (numbers[0], numbers[1], numbers[2])),
    ];
}
