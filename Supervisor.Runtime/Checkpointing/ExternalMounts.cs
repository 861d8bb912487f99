using System.Text.Json;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Mounts;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// The mounts of a container that come from the host: criu does not write them, and a restore declares where they are now.
/// They are recorded beside the images, because only the container shows what was mounted in it, also below a bind mount.
/// </summary>
internal static class ExternalMounts
{
    private const string FileName = "external-mounts.json";

    /// <summary>Finds them.</summary>
    /// <returns>By path in the container: the path on the host, or <c>cgroup:</c> and the tree's key in
    /// <see cref="Cgroup.Paths"/>.</returns>
    public static IReadOnlyDictionary<string, string> Of(int pid, Cgroup cgroup)
    {
        var host = MountLine.Of("self");
        var own = MountLine.Of($"{pid}");
        var root = own.FirstOrDefault(m => m.Point == "/");
        var external = new Dictionary<string, string>();
        foreach (var mount in own)
        {
            if (mount.Point == "/") continue;
            if (mount.Type is "cgroup" or "cgroup2")
            {
                var key = mount.Type is "cgroup2"
                    ? Cgroup.V2Key : mount.Options.FirstOrDefault(o => o.Length > 0 && cgroup.Paths.ContainsKey(o));
                if (key is not null) external[mount.Point] = "cgroup:" + key;
                continue;
            }
            // The kernel has one of these per namespace: a container that shares it with the host mounted it itself.
            if (mount.Type is "proc" or "sysfs" or "mqueue" && mount.Root == "/") continue;
            // a part of its own root
            if (root is not null && mount.Device == root.Device && MountLine.IsBelow(mount.Root, root.Root)) continue;
            var source = host.LastOrDefault(h => h.Device == mount.Device && MountLine.IsBelow(mount.Root, h.Root));
            if (source is null) continue; // the container's own: a tmpfs, its proc
            external[mount.Point] = Path.Join(source.Point, source.Root == "/" ? mount.Root : mount.Root[source.Root.Length..])
                .TrimEnd('/') is { Length: > 0 } path ? path : "/";
        }
        return external;
    }

    /// <summary>Writes them to the images' directory.</summary>
    public static void Write(string directory, IReadOnlyDictionary<string, string> external)
    {
        using var file = PrivateFiles.Create(Path.Join(directory, FileName));
        using var json = new Utf8JsonWriter(file);
        json.WriteStartObject();
        foreach (var (point, source) in external) json.WriteString(point, source);
        json.WriteEndObject();
    }

    /// <summary>Their sources now: the spec's for bind mounts, and the new cgroup for the old one.</summary>
    public static IReadOnlyDictionary<string, string> Read(string directory, Spec spec, string bundle, Cgroup cgroup)
    {
        var external = new Dictionary<string, string>();
        var file = Path.Join(directory, FileName);
        var binds = spec.Mounts.Where(m => m.Type is "bind" || MountOptions.Parse(m.Options).Bind)
            .ToLookup(m => m.Destination.TrimEnd('/'), m => Path.GetFullPath(m.Source ?? "", bundle));
        if (File.Exists(file))
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var one in json.RootElement.EnumerateObject())
            {
                var recorded = one.Value.GetString() ?? "";
                if (!recorded.StartsWith("cgroup:", StringComparison.Ordinal))
                    external[one.Name] = Source(binds, one.Name) ?? recorded;
                else if (cgroup.Paths.TryGetValue(recorded["cgroup:".Length..], out var path)) external[one.Name] = path;
            }
            return external;
        }
        // runc's images: their keys are the spec's paths.
        foreach (var bind in binds) external[bind.Key] = bind.Last();
        foreach (var masked in spec.Linux?.MaskedPaths ?? []) external[masked] = "/dev/null";
        foreach (var place in spec.Mounts.Where(m => m.Type is "cgroup"))
            foreach (var (controller, path) in cgroup.Paths.Where(p => p.Key.Length > 0))
                external[Path.Join(place.Destination, controller.Replace("name=", "", StringComparison.Ordinal))] = path;
        return external;
    }

    private static string? Source(ILookup<string, string> binds, string point)
    {
        // The nearest bind mount above it, and the path from there.
        for (var above = point; above.Length > 1; above = Path.GetDirectoryName(above) ?? "")
            if (binds[above].LastOrDefault() is { } source) return source + point[above.Length..];
        return null;
    }
}
