using Containerd.Services.Images.V1;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Registry;
using Supervisor.Registry.References;

namespace Supervisor.Cli.Images;

/// <summary>Images of the store, by what a user writes: a name, completed as docker does, or the beginning of an id.</summary>
internal static class ImageLookup
{
    private const int ShortestId = 4;

    public static async Task<IReadOnlyList<Image>> AllAsync(DaemonClient client, CancellationToken cancel) =>
        (await client.Images.ListAsync(new ListImagesRequest(), client.Call(cancel))).Images;

    /// <summary>The images of a name or an id: of an id, all names of it.</summary>
    /// <exception cref="CliException">There is none, or the id begins several.</exception>
    public static IReadOnlyList<Image> Find(IReadOnlyList<Image> all, string word)
    {
        var exact = all.Where(i => i.Name == word || i.Name == Completed(word)).ToList();
        if (exact.Count > 0) return [exact[0]];
        var id = word.StartsWith("sha256:", StringComparison.Ordinal) ? word["sha256:".Length..] : word;
        if (id.Length >= ShortestId && id.All(char.IsAsciiHexDigitLower))
        {
            var found = all.Where(i => IdOf(i).StartsWith(id, StringComparison.Ordinal)).ToList();
            if (found.Select(i => i.Target.Digest).Distinct().Count() > 1)
                throw new CliException($"{word}: several images have ids that begin with it: write more of it");
            if (found.Count > 0) return found;
        }
        throw new CliException($"no such image: {word}");
    }

    /// <summary>The digest's digits, without the algorithm.</summary>
    public static string IdOf(Image image) => image.Target.Digest[(image.Target.Digest.IndexOf(':', StringComparison.Ordinal) + 1)
        ..];

    /// <summary>The name in full.</summary>
    /// <exception cref="CliException">It is no name.</exception>
    public static ImageName Name(string word)
    {
        try
        {
            return ImageName.Parse(word);
        }
        catch (RegistryException e)
        {
            throw new CliException(e.Message);
        }
    }

    /// <summary>As docker shows a name; as it is, if it is none of docker's.</summary>
    public static (string Repository, string Tag) Shown(string name)
    {
        try
        {
            var parsed = ImageName.Parse(name);
            return ((parsed with { Tag = "", Digest = "" }).Familiar, parsed.Tag.Length > 0 ? parsed.Tag : "<none>");
        }
        catch (RegistryException)
        {
            return (name, "<none>");
        }
    }

    private static string? Completed(string word)
    {
        try { return ImageName.Parse(word).ToString(); }
        catch (RegistryException) { return null; }
    }
}
