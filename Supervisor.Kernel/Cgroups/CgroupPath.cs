namespace Supervisor.Kernel.Cgroups;

/// <summary>The form of a cgroup path, from whatever source.</summary>
internal static class CgroupPath
{
    /// <returns>What is wrong with <paramref name="path"/>; null if it is valid.</returns>
    public static string? FindError(string path)
    {
        if (path.Contains('\0') || path.Contains('\n')) return "contains a NUL or a line break";
        if (path.Length > 2048) return "is longer than 2048 characters";
        var parts = path.AsSpan(path.StartsWith('/') ? 1 : 0);
        foreach (var range in parts.Split('/'))
        {
            var part = parts[range];
            if (part.IsEmpty) return $"\"{path}\" has an empty part";
            if (part is "." or "..") return $"\"{path}\" has a part \"{part}\", which could lead out of the containers' cgroup";
        }
        return null;
    }
}
