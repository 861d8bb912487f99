using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>Sets the limits of a spec, each in the hierarchy of its controller, by the rules of that cgroup version.</summary>
public sealed class CgroupLimits
{
    private readonly Cgroup _cgroup;
    private readonly List<UnsupportedField> _notApplied = [];

    private CgroupLimits(Cgroup cgroup) => _cgroup = cgroup;

    /// <summary>Makes a cgroup with limits. A failure leaves nothing behind.</summary>
    /// <param name="cgroupsPath">Absolute: from each mount's root. Relative: below our own cgroup.</param>
    /// <param name="resources">Null for none but the default device rules.</param>
    /// <param name="notApplied">Called for each limit that no controller of this host has.</param>
    /// <param name="parents">Where its parents are kept; null where they are not.</param>
    /// <exception cref="InvalidSpecException">A path that could lead out of the mount.</exception>
    /// <exception cref="CgroupException">It exists and has processes or is frozen; or a value, named with its file, was
    /// refused.</exception>
    public static Cgroup Create(
        CgroupHierarchies hierarchies, string cgroupsPath, ResourcesSpec? resources, Action<UnsupportedField>? notApplied = null,
        CgroupParents? parents = null)
    {
        var wanted = Wanted(resources, DirectoriesOf(hierarchies, cgroupsPath));
        return Cgroup.Create(hierarchies, cgroupsPath, wanted, cgroup =>
        {
            foreach (var field in new CgroupLimits(cgroup).Apply(resources ?? new ResourcesSpec(), isNew: true))
                notApplied?.Invoke(field);
        }, parents);
    }

    /// <summary>The directory of a spec's path in each hierarchy.</summary>
    /// <exception cref="InvalidSpecException">A path that could lead out of the mount.</exception>
    public static IReadOnlyDictionary<string, string> DirectoriesOf(CgroupHierarchies hierarchies, string cgroupsPath) =>
        CgroupPath.FindError(cgroupsPath) is { } error
            ? throw new InvalidSpecException("linux.cgroupsPath", error)
            : hierarchies.DirectoriesOf(cgroupsPath);

    /// <summary>
    /// Changes limits; null or 0 means no change. Device rules are not changed. After a failure, the limits before the named file
    /// are set.
    /// </summary>
    /// <returns>The limits that no controller of this host has.</returns>
    /// <exception cref="CgroupException">A value was refused.</exception>
    public static IReadOnlyList<UnsupportedField> Update(Cgroup cgroup, ResourcesSpec resources) =>
        new CgroupLimits(cgroup).Apply(resources, isNew: false);

    /// <summary>
    /// The v2 controllers that <paramref name="resources"/> needs and no v1 tree of <paramref name="paths"/> has.
    /// </summary>
    private static HashSet<string> Wanted(ResourcesSpec? resources, IReadOnlyDictionary<string, string> paths)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        if (resources is null) return wanted;
        if (WantsMemory(resources.Memory)) wanted.Add("memory");
        if (WantsCpu(resources.Cpu)) wanted.Add("cpu");
        if (WantsCpuset(resources.Cpu)) wanted.Add("cpuset");
        if (resources.Pids is { Limit: not null }) wanted.Add("pids");
        if (WantsIO(resources.BlockIO) && !paths.ContainsKey("blkio")) wanted.Add("io");
        if (resources.HugepageLimits.Count > 0) wanted.Add("hugetlb");
        if (resources.Rdma.Count > 0) wanted.Add("rdma");
        wanted.ExceptWith(paths.Keys);
        foreach (var file in resources.Unified.Keys) wanted.Add(file.Split('.')[0]);
        wanted.Remove("cgroup"); // cgroup.max.depth and similar files always exist
        return wanted;
    }

    /// <summary>Whether there is any limit, apart from devices.</summary>
    public static bool Any(ResourcesSpec? r) => r is not null &&
        (WantsMemory(r.Memory) || WantsCpu(r.Cpu) || WantsCpuset(r.Cpu) || r.Pids is { Limit: not null } || WantsIO(r.BlockIO) ||
         r.HugepageLimits.Count > 0 || r.Unified.Count > 0 || r.Rdma.Count > 0 || r.Network is not null);

    private List<UnsupportedField> Apply(ResourcesSpec resources, bool isNew)
    {
        if (isNew) Devices(resources);
        if (WantsMemory(resources.Memory)) Memory(resources.Memory!);
        if (WantsCpu(resources.Cpu)) Cpu(resources.Cpu!);
        if (WantsCpuset(resources.Cpu)) Cpuset(resources.Cpu!);
        // The init counts, so the least is 1: 0 and 1 both forbid fork(2). As in runc 1.4.
        if (resources.Pids is { Limit: long limit })
            CgroupFile.Write(Needed("pids").Path, "pids.max", limit < 0 ? "max" : $"{Math.Max(1, limit)}");
        if (WantsIO(resources.BlockIO))
        {
            var io = Needed("blkio", "io");
            if (io.IsV2) IoLimitsV2.Set(io.Path, resources.BlockIO!, NotApplied);
            else IoLimitsV1.Set(io.Path, resources.BlockIO!);
        }
        foreach (var hugepages in resources.HugepageLimits) Hugepages(hugepages);
        foreach (var (device, handles) in resources.Rdma)
            CgroupFile.Write(Needed("rdma").Path, "rdma.max",
                $"{device} hca_handle={Rdma(handles.HcaHandles)} hca_object={Rdma(handles.HcaObjects)}");
        if (resources.Network is { } network) Network(network);
        foreach (var (file, value) in resources.Unified)
            CgroupFile.Write(_cgroup.V2Directory ?? throw Missing("unified", "there is no cgroup v2 on this host"), file, value);
        return _notApplied;
    }

    private static bool WantsMemory(MemorySpec? m) => m is not null &&
        (m.Limit is not (null or 0) || m.Reservation is not (null or 0) || m.Swap is not (null or 0)
            || m.KernelTCP is not (null or 0) ||
         m.Swappiness is not (null or ulong.MaxValue) || m.DisableOomKiller is true);

    private static bool WantsCpu(CpuSpec? c) => c is not null &&
        (c.Shares is not (null or 0) || c.Quota is not (null or 0) || c.Period is not (null or 0) || c.Burst is not null ||
         c.Idle is not null || c.RealtimePeriod is not (null or 0) || c.RealtimeRuntime is not (null or 0));

    private static bool WantsCpuset(CpuSpec? c) => !string.IsNullOrEmpty(c?.Cpus) || !string.IsNullOrEmpty(c?.Mems);

    private static bool WantsIO(BlockIOSpec? io) => io is not null &&
        (io.Weight is not (null or 0) || io.LeafWeight is not (null or 0) || io.WeightDevice.Count > 0 ||
         io.ThrottleReadBpsDevice.Count > 0 || io.ThrottleWriteBpsDevice.Count > 0 ||
         io.ThrottleReadIopsDevice.Count > 0 || io.ThrottleWriteIopsDevice.Count > 0);

    private void Devices(ResourcesSpec resources)
    {
        if (_cgroup.Paths.TryGetValue("devices", out var directory)) DeviceAccess.Set(directory, resources.Devices);
        // without a rule that denies, all is allowed
        else if (_cgroup.V2Directory is { } unified && resources.Devices.Any(d => !d.Allow))
        {
            try
            {
                DeviceFilter.Set(unified, [.. resources.Devices, .. DeviceAccess.AlwaysAllowed]);
            }
            catch (CgroupException e) when (e.Errno is Errno.EPERM && Runtime.Namespaces.IdMaps.InUserNamespace)
            {
                // A user namespace cannot make device nodes, and its mounts are nodev: there is little to filter.
                NotApplied("linux.resources.devices",
                    "devices are not filtered: that needs rights that a user namespace does not give");
            }
        }
    }

    private void Memory(MemorySpec memory)
    {
        var found = Needed("memory");
        if (found.IsV2) MemoryLimitsV2.Set(found.Path, memory, NotApplied);
        else MemoryLimitsV1.Set(found.Path, memory);
    }

    private void Cpu(CpuSpec cpu)
    {
        var found = Needed("cpu");
        if (found.IsV2) CpuLimits.SetV2(found.Path, cpu, NotApplied);
        else CpuLimits.SetV1(found.Path, cpu);
    }

    private void Cpuset(CpuSpec cpu)
    {
        var found = Needed("cpuset");
        if (!string.IsNullOrEmpty(cpu.Cpus)) CgroupFile.Write(found.Path, "cpuset.cpus", cpu.Cpus);
        if (!string.IsNullOrEmpty(cpu.Mems)) CgroupFile.Write(found.Path, "cpuset.mems", cpu.Mems);
    }

    private void Network(NetworkSpec network)
    {
        if (network.ClassID is { } id)
        {
            if (_cgroup.Find("net_cls") is { IsV2: false } found) CgroupFile.Write(found.Path, "net_cls.classid", $"{id}");
            else NotApplied("linux.resources.network.classID",
                "there is no net_cls controller on this host, and cgroup v2 has none");
        }
        foreach (var priority in network.Priorities)
        {
            if (_cgroup.Find("net_prio") is { IsV2: false } found)
                CgroupFile.Write(found.Path, "net_prio.ifpriomap", $"{priority.Name} {priority.Priority}");
            else NotApplied("linux.resources.network.priorities",
                "there is no net_prio controller on this host, and cgroup v2 has none");
        }
    }

    private static string Rdma(uint? limit) => limit is { } number ? $"{number}" : "max";

    private void Hugepages(HugepageLimitSpec limit)
    {
        var found = Needed("hugetlb");
        var (file, reserved) = found.IsV2
            ? ($"hugetlb.{limit.PageSize}.max", $"hugetlb.{limit.PageSize}.rsvd.max")
            : ($"hugetlb.{limit.PageSize}.limit_in_bytes", $"hugetlb.{limit.PageSize}.rsvd.limit_in_bytes");
        CgroupFile.Write(found.Path, file, $"{limit.Limit}");
        // Without a limit on reservations a process gets SIGBUS instead of ENOMEM. Linux 5.7.
        if (CgroupFile.Exists(found.Path + "/" + reserved)) CgroupFile.Write(found.Path, reserved, $"{limit.Limit}");
    }

    private ControllerDirectory Needed(string v1, string? v2 = null) =>
        _cgroup.Find(v1, v2)
            ?? throw Missing(v2 is null
            ? v1 : $"{v1} or {v2}", "a limit needs this controller, but no cgroup hierarchy of this host has it");

    private CgroupException Missing(string what, string why) => new(_cgroup.Directories[0], null, Errno.ENOENT, $"{what}: {why}");

    private void NotApplied(string field, string reason) => _notApplied.Add(new UnsupportedField(field, reason));
}
