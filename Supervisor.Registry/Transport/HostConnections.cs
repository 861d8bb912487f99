using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Supervisor.Registry.Hosts;

namespace Supervisor.Registry.Transport;

/// <summary>Connections to one server, trusted as its configuration says. Redirects are followed elsewhere.</summary>
internal static class HostConnections
{
    private const int MostConnections = 16, LongestHead = 64; // KiB

    /// <exception cref="RegistryException">A certificate's file cannot be read.</exception>
    internal static SocketsHttpHandler Make(RegistryHost server)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = server.ConnectTimeout,
            MaxConnectionsPerServer = MostConnections,
            MaxResponseHeadersLength = LongestHead,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
            AutomaticDecompression = DecompressionMethods.None, // digests are of what is sent
        };
        if (server.Proxy is { } proxy) (handler.Proxy, handler.UseProxy) = (new WebProxy(proxy), true);
        if (server.Base.Scheme != Uri.UriSchemeHttps) return handler;
        var tls = server.Tls;
#pragma warning disable CA5359 // what the configuration's skip_verify asks for, and nothing else
        if (tls.SkipVerify) handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        else if (tls.Authorities.Count > 0) handler.SslOptions.CertificateChainPolicy = Trusting(tls.Authorities);
        if (tls.Certificates.Count > 0)
            handler.SslOptions.ClientCertificates =
                [.. tls.Certificates.Select(c => Load(c.Certificate, c.Key)).ToArray<X509Certificate>()];
        return handler;
    }

    private static X509ChainPolicy Trusting(IEnumerable<string> files)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck, // as for the system's authorities: registries are not asked for lists
        };
        using var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
        policy.CustomTrustStore.AddRange(system.Certificates);
        foreach (var file in files)
            Reading(file, () => { policy.CustomTrustStore.ImportFromPemFile(file); return true; });
        return policy;
    }

    private static X509Certificate2 Load(string certificate, string key) =>
        Reading(certificate, () => X509Certificate2.CreateFromPemFile(certificate, key.Length > 0 ? key : null));

    private static T Reading<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new RegistryException(RegistryFault.InvalidArgument, $"cannot read the certificates of {file}: {e.Message}", e);
        }
    }
}
