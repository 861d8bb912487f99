using System.Text.RegularExpressions;

namespace Supervisor.Registry.References;

/// <summary>
/// The name of an image, as docker's users write it and in full: <c>nginx</c> is <c>docker.io/library/nginx:latest</c>.
/// Source: the reference grammar of the distribution project; OCI distribution-spec, "Pulling manifests".
/// </summary>
/// <param name="Host">The registry: a host name or address, and maybe a port.</param>
/// <param name="Repository">The path in the registry, without slashes at its ends.</param>
/// <param name="Tag">Empty if the name has a digest and no tag.</param>
/// <param name="Digest"><c>sha256:…</c> or <c>sha512:…</c>, or empty.</param>
public sealed partial record ImageName(string Host, string Repository, string Tag, string Digest)
{
    private const int LongestRepository = 255; // with the host, as in the distribution project

    /// <summary>The registry of names without one.</summary>
    public const string DefaultHost = "docker.io";

    /// <summary>HOST/REPOSITORY.</summary>
    public string Location => $"{Host}/{Repository}";

    /// <summary>As docker shows it: without what is the default.</summary>
    public string Familiar
    {
        get
        {
            var text = ToString();
            const string library = $"{DefaultHost}/library/", hub = $"{DefaultHost}/";
            return text.StartsWith(library, StringComparison.Ordinal) ? text[library.Length..]
                : text.StartsWith(hub, StringComparison.Ordinal) ? text[hub.Length..] : text;
        }
    }

    /// <summary>What a registry is asked for: the digest if there is one, for a tag can change.</summary>
    public string Selector => Digest.Length > 0 ? Digest : Tag;

    /// <inheritdoc/>
    public override string ToString() =>
        Location + (Tag.Length > 0 ? $":{Tag}" : "") + (Digest.Length > 0 ? $"@{Digest}" : "");

    /// <summary>Reads a name, and completes it.</summary>
    /// <exception cref="RegistryException">It is none; the message says what is wrong.</exception>
    public static ImageName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (WholeHash().IsMatch(text))
            throw Invalid(text, "64 hexadecimal digits are an image's id, not a name: name its repository");
        var (rest, digest) = Cut(text, text.IndexOf('@', StringComparison.Ordinal));
        if (rest.Length < text.Length && !DigestText.IsValid(digest))
            throw Invalid(
                text, $"\"{digest}\" is not a digest: sha256: and 64 lower-case hexadecimal digits, or sha512: and 128");
        var (name, tag) = Cut(rest, rest.LastIndexOf(':') is var colon && colon > rest.LastIndexOf('/') ? colon : -1);
        if (name.Length < rest.Length && !TagText().IsMatch(tag))
            throw Invalid(
                text, $"the tag \"{tag}\" must be letters, digits, '_', '.' and '-', at most 128, not beginning with '.' or '-'");
        var (host, repository) = Split(name);
        if (repository.Length == 0) throw Invalid(text, "the name of the repository is missing");
        if (host.Length + repository.Length + 1 > LongestRepository) throw Invalid(text,
            $"it is longer than {LongestRepository} characters");
        if (!HostText().IsMatch(host)) throw Invalid(text, $"\"{host}\" is not a registry's host");
        if (!RepositoryText().IsMatch(repository))
            throw Invalid(text, repository.Any(char.IsUpper)
                ? $"the repository \"{repository}\" must be in lower case"
                : $"the repository \"{repository}\" must be lower-case letters and digits, and '.', '_', '__' or '-' between");
        if (tag.Length == 0 && digest.Length == 0) tag = "latest";
        return new ImageName(host, repository, tag, digest);
    }

    // The part before the first slash is a host if it could not be part of Docker Hub's names.
    private static (string Host, string Repository) Split(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : name[..slash];
        if (first != "localhost" && !first.Contains('.', StringComparison.Ordinal)
            && !first.Contains(':', StringComparison.Ordinal)
            && !first.Any(char.IsUpper))
            return (DefaultHost, slash < 0 && name.Length > 0 ? $"library/{name}" : name);
        var (host, repository) = (first, name[(slash + 1)..]);
        if (host is "index.docker.io" or "registry-1.docker.io") host = DefaultHost;
        return host == DefaultHost && !repository.Contains('/', StringComparison.Ordinal) && repository.Length > 0
            ? (host, $"library/{repository}") : (host, repository);
    }

    private static (string Before, string After) Cut(string text, int at) => at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);

    private static RegistryException Invalid(string text, string why) =>
        new(RegistryFault.InvalidArgument, $"\"{text[..Math.Min(text.Length, 300)]}\" is not the name of an image: {why}");

    [GeneratedRegex("^[0-9a-f]{64}$")]
    private static partial Regex WholeHash();

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\\z")]
    private static partial Regex TagText();

    [GeneratedRegex(
        @"^([A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?\z")]
    private static partial Regex HostText();

    [GeneratedRegex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*\\z")]
    private static partial Regex RepositoryText();
}
