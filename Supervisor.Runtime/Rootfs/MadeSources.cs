using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Bind sources that are in the new root and below what an earlier mount of the spec makes: they are known when that has been
/// made.
/// </summary>
internal static class MadeSources
{
    /// <param name="source">Absolute, as the host names it.</param>
    /// <param name="earlier">The mounts before it.</param>
    public static bool IsMade(string source, IEnumerable<MountSpec> earlier, string rootfs) =>
        earlier.Any(m => MountLine.IsBelow(source, Path.Join(rootfs, m.Destination.Trim('/'))));
}
