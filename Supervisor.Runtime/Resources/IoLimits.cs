using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>Block device limits, by the files of v1. Documentation/admin-guide/cgroup-v1/blkio-controller.rst.</summary>
internal static class IoLimitsV1
{
    public static void Set(string directory, BlockIOSpec io)
    {
        // The prefix of the scheduler with weights: CFQ until Linux 4.20, BFQ since.
        var prefix = CgroupFile.Exists(directory + "/blkio.weight") ? "blkio." : "blkio.bfq.";
        if (io.Weight is not (null or 0)) CgroupFile.Write(directory, prefix + "weight", $"{io.Weight}");
        if (io.LeafWeight is not (null or 0)) CgroupFile.Write(directory, "blkio.leaf_weight", $"{io.LeafWeight}");
        foreach (var d in io.WeightDevice)
        {
            if (d.Weight is not (null or 0))
                CgroupFile.Write(directory, prefix + "weight_device", $"{d.Major}:{d.Minor} {d.Weight}");
            if (d.LeafWeight is not (null or 0))
                CgroupFile.Write(directory, "blkio.leaf_weight_device", $"{d.Major}:{d.Minor} {d.LeafWeight}");
        }
        Throttle("blkio.throttle.read_bps_device", io.ThrottleReadBpsDevice);
        Throttle("blkio.throttle.write_bps_device", io.ThrottleWriteBpsDevice);
        Throttle("blkio.throttle.read_iops_device", io.ThrottleReadIopsDevice);
        Throttle("blkio.throttle.write_iops_device", io.ThrottleWriteIopsDevice);

        void Throttle(string file, IReadOnlyList<ThrottleDeviceSpec> devices)
        {
            foreach (var d in devices) CgroupFile.Write(directory, file, $"{d.Major}:{d.Minor} {d.Rate}");
        }
    }
}

/// <summary>Block device limits, by the files of v2. Documentation/admin-guide/cgroup-v2.rst.</summary>
internal static class IoLimitsV2
{
    /// <summary>Converts v1's 10…1000 linearly to v2's 1…10000.</summary>
    public static int WeightOf(int weight) => 1 + (weight - 10) * 9999 / 990;

    public static void Set(string directory, BlockIOSpec io, Action<string, string> notApplied)
    {
        var bfq = CgroupFile.Exists(directory + "/io.bfq.weight"); // has v1's scale
        var file = bfq ? "io.bfq.weight" : "io.weight";
        if (io.Weight is not (null or 0)) CgroupFile.Write(directory, file, $"{Weight(io.Weight.Value)}");
        foreach (var d in io.WeightDevice)
            if (d.Weight is not (null or 0)) CgroupFile.Write(directory, file, $"{d.Major}:{d.Minor} {Weight(d.Weight.Value)}");
        if (io.LeafWeight is not (null or 0) || io.WeightDevice.Any(d => d.LeafWeight is not (null or 0)))
            notApplied("linux.resources.blockIO.leafWeight", "cgroup v2 has none");
        Throttle("rbps", io.ThrottleReadBpsDevice);
        Throttle("wbps", io.ThrottleWriteBpsDevice);
        Throttle("riops", io.ThrottleReadIopsDevice);
        Throttle("wiops", io.ThrottleWriteIopsDevice);

        int Weight(int weight) => bfq ? weight : WeightOf(weight);

        void Throttle(string key, IReadOnlyList<ThrottleDeviceSpec> devices)
        {
            foreach (var d in devices)
                CgroupFile.Write(directory, "io.max", $"{d.Major}:{d.Minor} {key}={(d.Rate == 0 ? "max" : $"{d.Rate}")}");
        }
    }
}
