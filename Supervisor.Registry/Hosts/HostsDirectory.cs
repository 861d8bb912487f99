using Supervisor.Registry.References;

namespace Supervisor.Registry.Hosts;

/// <summary>
/// The directory that says where the images of each registry are, as containerd's <c>certs.d</c>: one directory for each
/// registry,
/// with <c>hosts.toml</c> or, as docker has it, with certificates. Read at each use: changes need no restart. Source: containerd,
/// docs/hosts.md.
/// </summary>
public static class HostsDirectory
{
    /// <summary>The servers for the images of a registry, in the order in which they are tried.</summary>
    /// <param name="directory">Null: there is none.</param>
    /// <param name="host">As in the image's name.</param>
    /// <param name="plain">HTTP for a registry without a <c>hosts.toml</c>.</param>
    /// <exception cref="RegistryException">A file is wrong; the message names it.</exception>
    public static IReadOnlyList<RegistryHost> Find(string? directory, string host, bool plain = false)
    {
        ArgumentNullException.ThrowIfNull(host);
        var registry = RegistryHost.Of(host, plain);
        if (string.IsNullOrEmpty(directory) || Candidates(host).Select(c => Path.Join(directory, c))
            .FirstOrDefault(Directory.Exists)
            is not { } own)
            return [registry];
        try
        {
            return Path.Join(own, "hosts.toml") is var file && File.Exists(file)
                ? HostsFile.Read(file, host, registry)
                : [registry with { Tls = CertificatesIn(own) }];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryException(RegistryFault.InvalidArgument, $"cannot read {own}: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Candidates(string host)
    {
        if (host.LastIndexOf(':') is var colon && colon > 0 && !host.EndsWith(']'))
        {
            yield return $"{host[..colon]}_{host[(colon + 1)..]}_";
            yield return host;
        }
        else
        {
            yield return host;
            if (host == ImageName.DefaultHost) yield return "registry-1.docker.io";
        }
        yield return "_default";
    }

    // Docker: *.crt are authorities, *.cert with the *.key of the same name certificates of ours.
    private static TlsSettings CertificatesIn(string directory)
    {
        var files = Directory.GetFiles(directory).Order(StringComparer.Ordinal).ToList();
        return new TlsSettings(
            [.. files.Where(f => f.EndsWith(".crt", StringComparison.Ordinal))],
            [.. files.Where(f => f.EndsWith(".cert", StringComparison.Ordinal)).Select(f => (f, KeyOf(f)))], false);
    }

    private static string KeyOf(string certificate) =>
        Path.ChangeExtension(certificate, ".key") is var key && File.Exists(key) ? key
            : throw new RegistryException(RegistryFault.InvalidArgument, $"{certificate} has no key: {key} does not exist");
}
