using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Bind sources in the new root that are below an earlier mount of the spec: they exist only after that mount is made.
/// </summary>
internal static class MountedSources
{
    /// <param name="source">The absolute path on the host.</param>
    /// <param name="earlier">The mounts before it.</param>
    public static bool IsMounted(string source, IEnumerable<MountSpec> earlier, string rootfs) =>
        earlier.Any(m => MountLine.IsBelow(source, Path.Join(rootfs, m.Destination.Trim('/'))));
}
