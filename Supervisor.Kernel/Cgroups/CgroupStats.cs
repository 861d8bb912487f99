namespace Supervisor.Kernel.Cgroups;

/// <summary>What a cgroup has used. Null where this host has no such controller.</summary>
/// <param name="Memory">Memory.</param>
/// <param name="Pids">Processes.</param>
/// <param name="Cpu">Processor time.</param>
/// <param name="BlockIO">Block devices; empty where nothing was read or written.</param>
/// <param name="Hugepages">Huge pages by size, e.g. <c>2MB</c>.</param>
/// <param name="Pressure">By resource, <c>cpu</c>, <c>memory</c> and <c>io</c>; empty without PSI, or without cgroup v2.</param>
public sealed record CgroupStats(
    MemoryStats? Memory,
    PidsStats? Pids,
    CpuStats? Cpu,
    IReadOnlyList<BlockIOEntry> BlockIO,
    IReadOnlyDictionary<string, MemoryUsage> Hugepages,
    IReadOnlyDictionary<string, PressureStats> Pressure);

/// <summary>How much of something measured in bytes.</summary>
/// <param name="Bytes">Now.</param>
/// <param name="Limit">Null for none.</param>
/// <param name="Highest">The peak; null where the kernel does not record it (v2 before Linux 5.19).</param>
/// <param name="Failures">How often the limit was hit. On v1 of Linux 6.18 failcnt was seen to stay 0: use
/// <see cref="Cgroup.OomKills"/>.</param>
public sealed record MemoryUsage(ulong Bytes, ulong? Limit, ulong? Highest, ulong Failures);

/// <summary>Memory of a cgroup.</summary>
/// <param name="Memory">Memory without swap.</param>
/// <param name="MemoryAndSwap">v1 counts the two together; null on v2 and without swap accounting.</param>
/// <param name="Swap">v2 counts swap alone; null on v1 and without swap accounting.</param>
/// <param name="Kernel">v1: the kernel's share.</param>
/// <param name="KernelTcp">v1: TCP buffers.</param>
/// <param name="Stat">memory.stat, unchanged; names differ between v1 and v2.</param>
/// <param name="Events">v2: memory.events, unchanged. Empty on v1.</param>
public sealed record MemoryStats(
    MemoryUsage Memory,
    MemoryUsage? MemoryAndSwap,
    MemoryUsage? Swap,
    MemoryUsage? Kernel,
    MemoryUsage? KernelTcp,
    IReadOnlyDictionary<string, ulong> Stat,
    IReadOnlyDictionary<string, ulong> Events);

/// <summary>Processes of a cgroup and of those below.</summary>
/// <param name="Current">Threads counted, as the controller does.</param>
/// <param name="Limit">Null for none.</param>
public sealed record PidsStats(ulong Current, ulong? Limit);

/// <summary>Processor time.</summary>
/// <param name="TotalNanoseconds">All.</param>
/// <param name="UserNanoseconds">In programs.</param>
/// <param name="SystemNanoseconds">In the kernel.</param>
/// <param name="PerCpuNanoseconds">By processor; empty on v2.</param>
/// <param name="Periods">Quota periods that passed.</param>
/// <param name="ThrottledPeriods">Those in which the quota ran out.</param>
/// <param name="ThrottledNanoseconds">How long processes were throttled.</param>
public sealed record CpuStats(
    ulong TotalNanoseconds,
    ulong UserNanoseconds,
    ulong SystemNanoseconds,
    IReadOnlyList<ulong> PerCpuNanoseconds,
    ulong Periods,
    ulong ThrottledPeriods,
    ulong ThrottledNanoseconds);

/// <summary>One counter of one block device.</summary>
/// <param name="Major">Major number.</param>
/// <param name="Minor">Minor number.</param>
/// <param name="Operation"><c>Read</c>, <c>Write</c>, <c>Sync</c>, <c>Async</c>, <c>Discard</c>, <c>Total</c>; v2 has the first
/// two and Discard.</param>
/// <param name="Bytes">Bytes; null where only operations are counted.</param>
/// <param name="Operations">Operations; null where only bytes are counted.</param>
public sealed record BlockIOEntry(uint Major, uint Minor, string Operation, ulong? Bytes, ulong? Operations);
