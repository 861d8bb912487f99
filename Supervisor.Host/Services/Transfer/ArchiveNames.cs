using Containerd.Types.Transfer;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Names of the images of an archive: from its annotations, as far as the client's prefixes allow.</summary>
/// <remarks>containerd's clients give prefixes: a tag alone is added to one; a full name counts if it begins with one, or if any
/// name
/// may take its place.</remarks>
internal static class ArchiveNames
{
    internal const string FullName = "io.containerd.image.name", Tag = "org.opencontainers.image.ref.name";

    /// <summary>All names that an image gets.</summary>
    internal static IEnumerable<string> Of(
        IEnumerable<ImageReference> references, IReadOnlyDictionary<string, string> annotations, string digest)
    {
        foreach (var reference in references.Where(r => r.IsPrefix))
        {
            var name = Name(reference, annotations);
            if (name.Length > 0) yield return name;
            if (reference.AddDigest && (name.Length == 0
                || !reference.SkipNamedDigest)) yield return $"{reference.Name}@{digest}";
        }
    }

    private static string Name(ImageReference reference, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.GetValueOrDefault(FullName) is { Length: > 0 } full) return Full(reference, full) == full ? full : "";
        return annotations.GetValueOrDefault(Tag) is { Length: > 0 } tag ? Full(reference, tag) : "";
    }

    private static string Full(ImageReference reference, string name) =>
        name.AsSpan().IndexOfAny("/:@") < 0 ? $"{reference.Name}:{name}"
            : reference.AllowOverwrite || Begins(name, reference.Name) ? name : "";

    private static bool Begins(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal)
        && (name.Length == prefix.Length || name[prefix.Length] is '/' or ':' or '@');
}
