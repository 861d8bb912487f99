namespace Supervisor.Registry.Hosts;

/// <summary>One server that has the images of a registry: the registry itself, or a mirror of it.</summary>
/// <param name="Base">Where its API is, with a slash at its end: <c>https://registry.example/v2/</c>.</param>
/// <param name="Can">What it may be asked for.</param>
/// <param name="Namespace">The registry that a mirror stands for (query parameter <c>ns</c>); empty for the registry
/// itself.</param>
/// <param name="Tls">How it is trusted.</param>
/// <param name="Headers">Sent with each request to this server, and to no other.</param>
/// <param name="ConnectTimeout">How long a connection may take.</param>
public sealed record RegistryHost(
    Uri Base, Capabilities Can, string Namespace, TlsSettings Tls, IReadOnlyList<KeyValuePair<string, string>> Headers,
    TimeSpan ConnectTimeout)
{
    /// <summary>The proxy for this server; null: that of the environment (HTTPS_PROXY, NO_PROXY), if there is one.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>containerd's default.</summary>
    public static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Host, and port unless it is the scheme's.</summary>
    public string Name => Base.Authority;

    /// <summary>The registry of a name, by itself.</summary>
    /// <param name="host">As in the image's name.</param>
    /// <param name="plain">HTTP without TLS.</param>
    public static RegistryHost Of(string host, bool plain) => new(
        new Uri($"{(plain ? "http" : "https")}://{(host == "docker.io" ? "registry-1.docker.io" : host)}/v2/"), Capabilities.All,
            "",
        TlsSettings.System, [], DefaultConnectTimeout);
}

/// <summary>What a server may be asked for.</summary>
[Flags]
public enum Capabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Manifests and blobs by digest.</summary>
    Pull = 1,

    /// <summary>Which digest a tag has: only of a server that is trusted.</summary>
    Resolve = 2,

    /// <summary>To keep new blobs and manifests.</summary>
    Push = 4,

    /// <summary>All of it.</summary>
    All = Pull | Resolve | Push,
}

/// <summary>How a server is trusted, and shown who we are. Paths are absolute.</summary>
/// <param name="Authorities">PEM files of authorities, in addition to the system's.</param>
/// <param name="Certificates">PEM files of certificate and key; the second is empty if the first has both.</param>
/// <param name="SkipVerify">Trust any certificate: only for tests.</param>
public sealed record TlsSettings(
    IReadOnlyList<string> Authorities, IReadOnlyList<(string Certificate, string Key)> Certificates, bool SkipVerify)
{
    /// <summary>The system's authorities, no certificate of ours.</summary>
    public static TlsSettings System { get; } = new([], [], false);
}
