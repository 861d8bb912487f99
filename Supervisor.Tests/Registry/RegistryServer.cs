using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Supervisor.Tests.Registry;

/// <summary>Debian's docker-registry on a port of the loopback, as it is configured here.</summary>
public sealed class RegistryServer : IAsyncDisposable
{
    /// <summary>Accepted by a server that asks for passwords.</summary>
    public const string User = "person", Password = "right: and long"; // only the first colon separates

    // bcrypt of the password, 2^4 rounds
    private const string HashOfPassword = "$2b$04$Yi97Ns8jn6ezbJzh52cCuewpWwrGWl3g3e2hnOZUPein3Bb9k06Ay";

    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-registry-");
    private readonly Process _process;

    private RegistryServer(bool hasTls, bool hasPasswords, string? tokens)
    {
        Host = $"127.0.0.1:{FreePort()}";
        Authority = Path.Join(_place.FullName, "ca.crt");
        var tls = hasTls ? $", tls: {{certificate: {_place.FullName}/server.crt, key: {_place.FullName}/server.key}}" : "";
        var lines = new List<string>
        {
            "version: 0.1",
            "log: {level: error, accesslog: {disabled: true}}",
            $"storage: {{filesystem: {{rootdirectory: {_place.FullName}/data}}, delete: {{enabled: true}}}}",
            $"http: {{addr: '{Host}'{tls}}}",
        };
        if (hasTls) WriteCertificates();
        if (hasPasswords)
        {
            File.WriteAllText(Path.Join(_place.FullName, "passwords"), $"{User}:{HashOfPassword}\n");
            lines.Add($"auth: {{htpasswd: {{realm: ours, path: {_place.FullName}/passwords}}}}");
        }
        if (tokens is not null) lines.Add(tokens);
        File.WriteAllLines(Path.Join(_place.FullName, "config.yml"), lines);
        _process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", Path.Join(_place.FullName, "config.yml")])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>HOST:PORT.</summary>
    public string Host { get; }

    /// <summary>The certificate of the authority that signed the server's.</summary>
    public string Authority { get; }

    /// <summary>Starts one, and waits until it listens.</summary>
    /// <param name="tokens">The line of its configuration for a token server.</param>
    public static async Task<RegistryServer> StartAsync(bool hasTls = false, bool hasPasswords = false, string? tokens = null)
    {
        var server = new RegistryServer(hasTls, hasPasswords, tokens);
        await Eventually.IsTrue(() => server.IsListening());
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _place.Delete(recursive: true);
    }

    /// <summary>A port of the loopback that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private bool IsListening()
    {
        Assert.False(_process.HasExited, "docker-registry exited");
        using var socket = new TcpClient();
        try
        {
            socket.Connect(IPEndPoint.Parse(Host));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void WriteCertificates()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asked = new CertificateRequest("CN=our authority", authorityKey, HashAlgorithmName.SHA256);
        asked.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = asked.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=registry", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        server.CertificateExtensions.Add(names.Build());
        using var certificate = server.Create(authority, authority.NotBefore, authority.NotAfter,
            RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Authority, authority.ExportCertificatePem());
        File.WriteAllText(Path.Join(_place.FullName, "server.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Join(_place.FullName, "server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
