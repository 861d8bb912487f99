namespace Supervisor.Runtime.Oci;

/// <summary>Validates limits.</summary>
internal static class ResourceRules
{
    public static void Check(ResourcesSpec resources, string prefix)
    {
        for (var i = 0; i < resources.Devices.Count; i++) Rule($"{prefix}devices[{i}]", resources.Devices[i]);
        if (resources.Memory is { } memory) Memory(memory, prefix + "memory.");
        if (resources.Cpu is { } cpu) Cpu(cpu, prefix + "cpu.");
        if (resources.BlockIO is { } io) BlockIO(io, prefix + "blockIO.");
        for (var i = 0; i < resources.HugepageLimits.Count; i++)
            PageSize($"{prefix}hugepageLimits[{i}].pageSize", resources.HugepageLimits[i].PageSize);
        for (var i = 0; i < (resources.Network?.Priorities.Count ?? 0); i++)
            Word($"{prefix}network.priorities[{i}].name", resources.Network!.Priorities[i].Name);
        foreach (var device in resources.Rdma.Keys) Word(InvalidSpecException.Key(prefix + "rdma", device), device);
        foreach (var (file, value) in resources.Unified) Unified(InvalidSpecException.Key(prefix + "unified", file), file, value);
    }

    // It becomes part of a line: a space or a line break in it would start another word, or another line.
    private static void Word(string field, string word)
    {
        if (word.Length is 0 or > 64 || word.Any(c => c <= ' ' || c > '~'))
            throw new InvalidSpecException(field, "is not a device name");
    }

    private static void Rule(string field, DeviceRuleSpec rule)
    {
        if (rule.Type is not (null or "" or "a" or "c" or "b"))
            throw new InvalidSpecException(field + ".type", $"\"{rule.Type}\" is not one of a, b, c");
        if (rule.Access is { } access && access.Any(c => c is not ('r' or 'w' or 'm')))
            throw new InvalidSpecException(field + ".access", $"\"{access}\" may only have the letters r, w and m");
        // The kernel takes "a" as everything and ignores the rest: a narrower rule would become that one.
        if (rule.Type is (null or "" or "a")
            && (rule.Major >= 0 || rule.Minor >= 0 || rule.Access is { Length: > 0 } some && !"rwm".All(some.Contains)))
            throw new InvalidSpecException(field + ".type", "a rule for all types cannot be narrowed: use c or b");
        DeviceRules.Numbers(field, rule.Major ?? -1, rule.Minor ?? -1, lowest: -1);
    }

    private static void Memory(MemorySpec memory, string prefix)
    {
        AtLeast(-1, memory.Limit, prefix + "limit");
        AtLeast(-1, memory.Reservation, prefix + "reservation");
        AtLeast(-1, memory.Swap, prefix + "swap");
        AtLeast(-1, memory.Kernel, prefix + "kernel");
        AtLeast(-1, memory.KernelTCP, prefix + "kernelTCP");
        if (memory.Swappiness is > 100 and not ulong.MaxValue)
            throw new InvalidSpecException(prefix + "swappiness", $"{memory.Swappiness} is not within 0 to 100");
        if (memory is { Limit: > 0, Swap: > 0 } && memory.Swap < memory.Limit)
            throw new InvalidSpecException(
                prefix + "swap", $"{memory.Swap} is less than the memory limit {memory.Limit}, which it includes");
        if (memory is { Limit: -1, Swap: > 0 })
            throw new InvalidSpecException(
                prefix + "swap", "needs a memory limit");
    }

    private static void Cpu(CpuSpec cpu, string prefix)
    {
        AtLeast(-1, cpu.Quota, prefix + "quota");
        AtLeast(-1, cpu.RealtimeRuntime, prefix + "realtimeRuntime");
        if (cpu.Idle is < 0 or > 1) throw new InvalidSpecException(prefix + "idle", $"{cpu.Idle} is neither 0 nor 1");
        if (cpu.Period > 1_000_000) throw new InvalidSpecException(prefix + "period", $"{cpu.Period} µs is over a second");
        Text.NumberList(prefix + "cpus", cpu.Cpus);
        Text.NumberList(prefix + "mems", cpu.Mems);
    }

    private static void BlockIO(BlockIOSpec io, string prefix)
    {
        Weight(prefix + "weight", io.Weight);
        Weight(prefix + "leafWeight", io.LeafWeight);
        for (var i = 0; i < io.WeightDevice.Count; i++)
        {
            var (device, field) = (io.WeightDevice[i], $"{prefix}weightDevice[{i}]");
            DeviceRules.Numbers(field, device.Major, device.Minor, lowest: 0);
            Weight(field + ".weight", device.Weight);
            Weight(field + ".leafWeight", device.LeafWeight);
        }
        Throttles(prefix + "throttleReadBpsDevice", io.ThrottleReadBpsDevice);
        Throttles(prefix + "throttleWriteBpsDevice", io.ThrottleWriteBpsDevice);
        Throttles(prefix + "throttleReadIOPSDevice", io.ThrottleReadIopsDevice);
        Throttles(prefix + "throttleWriteIOPSDevice", io.ThrottleWriteIopsDevice);
    }

    private static void Throttles(string field, IReadOnlyList<ThrottleDeviceSpec> devices)
    {
        for (var i = 0; i < devices.Count; i++)
            DeviceRules.Numbers($"{field}[{i}]", devices[i].Major, devices[i].Minor, lowest: 0);
    }

    private static void Weight(string field, ushort? weight)
    {
        if (weight is not (null or 0 or (>= 10 and <= 1000)))
            throw new InvalidSpecException(field, $"{weight} is not within 10 to 1000");
    }

    private static void PageSize(string field, string size)
    {
        if (size.Length is < 3 or > 16 || size[^1] != 'B' || size[^2] is not ('K' or 'M' or 'G') || size[0] == '0'
            || !size[..^2].All(char.IsAsciiDigit))
            throw new InvalidSpecException(field, $"\"{size}\" is not a size like 2MB");
    }

    private static void Unified(string field, string file, string value)
    {
        var dot = file.IndexOf('.');
        if (dot <= 0 || !file.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw new InvalidSpecException(field, "is not a file name like memory.high");
        // cgroup.procs, cgroup.subtree_control and the like control the cgroup itself; these two only limit it.
        if (file[..dot] is "cgroup" && file is not ("cgroup.max.depth" or "cgroup.max.descendants"))
            throw new InvalidSpecException(field, "is not a limit");
        Text.NoNul(field, value);
    }

    private static void AtLeast(long lowest, long? value, string field)
    {
        if (value < lowest) throw new InvalidSpecException(field, $"{value} is below {lowest}");
    }
}
