using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>A normalized name in a layer: no <c>.</c>, no <c>..</c>, no leading slash.</summary>
internal static class LayerPath
{
    private const int MaximumLength = 4096; // PATH_MAX: no system call takes more

    /// <summary>The components of a name; none for the root itself.</summary>
    /// <exception cref="StorageException">It escapes the root, or is longer than a path can be.</exception>
    public static string[] Split(string raw)
    {
        if (raw.Length > MaximumLength)
            throw TarReader.Invalid($"a name of {raw.Length} bytes, at most {MaximumLength} are allowed");
        var components = new List<string>();
        foreach (var component in raw.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (component == ".") continue;
            if (component != "..") components.Add(component);
            else if (components.Count > 0) components.RemoveAt(components.Count - 1);
            else throw TarReader.Invalid($"\"{RawName.ToText(raw)}\", which escapes the root");
        }
        return [.. components];
    }

    /// <summary>The whole path of a directory, relative to the root; empty for the root.</summary>
    public static string Join(ReadOnlySpan<string> components) => string.Join('/', components!);
}
