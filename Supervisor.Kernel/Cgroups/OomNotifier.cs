using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// A descriptor that epoll reports when a cgroup runs out of memory. A report is only a hint: an allocation that hit a limit,
/// and on v1 the cgroup's removal, look the same. <see cref="Cgroup.OomKills"/> is exact.
/// </summary>
public sealed class OomNotifier : IDisposable
{
    private readonly string _path;
    private readonly Fd _counter;

    private OomNotifier(Fd fd, Fd counter, bool priority, string path) =>
        (Fd, _counter, Priority, _path) = (fd, counter, priority, path);

    /// <summary>What to watch: v1 an eventfd, v2 memory.events.</summary>
    public Fd Fd { get; }

    /// <summary>Whether to watch for EPOLLPRI (v2) instead of EPOLLIN (v1).</summary>
    public bool Priority { get; }

    /// <summary>Re-arms it. To be called after each report, before the counters are read.</summary>
    public unsafe void Acknowledge()
    {
        const int Size = 4096;
        var buffer = stackalloc byte[Size]; // v1: the eight bytes of the counter. v2: the file from its start, which re-arms it.
        using var held = new HeldHandle(Fd);
        _ = Priority ? pread(held.Number, buffer, Size, 0) : read(held.Number, buffer, 8); // EAGAIN, ENODEV: nothing to do
    }

    /// <summary>As <see cref="Cgroup.OomKills"/>, from files that are open already.</summary>
    public ulong Kills()
    {
        ulong kills;
        try { kills = OomCounter.Kills(KernelFile.ReadValueAgain(_counter, _path)); }
        catch (SyscallException e) when (e.Errno is Errno.ENODEV) { return 0; } // it has been removed
        return Priority ? kills : kills + OomCounter.KillsBelow(_path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Fd.Dispose();
        _counter.Dispose();
    }

    internal static OomNotifier? TryOpen(Cgroup cgroup) => cgroup.Find("memory") switch
    {
        null => null,
        { IsV2: true } v2 => OpenV2(v2.Path + "/memory.events"),
        var v1 => OpenV1(v1.Path),
    };

    private static OomNotifier OpenV2(string path)
    {
        var events = Fd.Open(path, OpenFlags.O_RDONLY);
        var notifier = new OomNotifier(events, events, priority: true, path);
        notifier.Acknowledge(); // a file that was never read counts as changed
        return notifier;
    }

    // Documentation/admin-guide/cgroup-v1/memory.rst, section 10: "<eventfd> <descriptor of memory.oom_control>".
    private static OomNotifier OpenV1(string directory)
    {
        var number = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (number < 0) throw new SyscallException("eventfd", Errno.Last);
        var fd = new Fd(number);
        Fd? control = null;
        try
        {
            control = Fd.Open(directory + "/memory.oom_control", OpenFlags.O_RDONLY);
            CgroupFile.Write(directory, "cgroup.event_control", $"{fd.Number} {control.Number}");
            return new OomNotifier(fd, control, priority: false, directory);
        }
        catch
        {
            control?.Dispose();
            fd.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _path;
}

/// <summary>How many processes the OOM killer has killed.</summary>
internal static class OomCounter
{
    public static ulong Read(Cgroup cgroup)
    {
        if (cgroup.Find("memory") is not { } memory) return 0;
        if (memory.IsV2) return KillsIn(memory.Path + "/memory.events"); // counts what is below, too
        return KillsIn(memory.Path + "/memory.oom_control") + KillsBelow(memory.Path);
    }

    /// <summary>v1 counts a kill where the victim was, and not above (mm/memcontrol-v1.c).</summary>
    public static ulong KillsBelow(string directory) =>
        CgroupMembers.Tree(directory).Skip(1).Aggregate(0UL, (sum, below) => sum + KillsIn(below + "/memory.oom_control"));

    public static ulong Kills(string? text) => CgroupText.Numbers(text).GetValueOrDefault("oom_kill");

    private static ulong KillsIn(string path) => Kills(CgroupFile.TryRead(path));
}
