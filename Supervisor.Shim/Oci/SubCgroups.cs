using Supervisor.Kernel.Cgroups;

namespace Supervisor.Shim.Oci;

/// <summary>Parses <c>exec --cgroup [CONTROLLERS:]PATH</c>: existing cgroups below the container's own.</summary>
internal static class SubCgroups
{
    /// <returns>Null where none was given: the container's own.</returns>
    /// <exception cref="OciException">It leads out of the container's cgroup, or does not exist.</exception>
    public static Cgroup? Of(Cgroup container, IReadOnlyList<string> said)
    {
        if (said.Count == 0) return null;
        var paths = container.Paths.ToDictionary();
        foreach (var one in said)
        {
            var colon = one.IndexOf(':', StringComparison.Ordinal);
            var path = one[(colon + 1)..];
            if (path.Split('/').Contains("..")) throw new OciException($"bad sub cgroup path: {path} is not a sub cgroup path");
            foreach (var controller in colon < 0 ? (IEnumerable<string>)container.Paths.Keys : one[..colon].Split(','))
            {
                if (!container.Paths.TryGetValue(controller, out var own))
                    throw new OciException($"--cgroup: unknown controller {controller}");
                var directory = $"{own}/{path.Trim('/')}".TrimEnd('/');
                if (!Directory.Exists(directory))
                    throw new OciException(
                    $"error adding pid of the exec to cgroups: open {directory}: no such file or directory");
                paths[controller] = directory;
            }
        }
        return Cgroup.Open(paths);
    }
}
