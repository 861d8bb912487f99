using Supervisor.Registry;
using Supervisor.Registry.Hosts;

namespace Supervisor.Tests.Registry;

/// <summary>containerd's and docker's directories of registries.</summary>
public sealed class HostsDirectoryTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-hosts-");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public void A_registry_without_a_directory_is_asked_itself_with_tls()
    {
        Assert.Equal("https://registry.example:5000/v2/", Assert.Single(Find("registry.example:5000")).Base.ToString());
        Assert.Equal("https://registry-1.docker.io/v2/", Assert.Single(Find("docker.io")).Base.ToString());
    }

    [Fact]
    public void Mirrors_are_tried_in_their_order_and_the_server_last()
    {
        Write("docker.io", """
            server = "https://registry-1.docker.io"
            [host."https://z.example"]
              capabilities = ["pull"]
              ca = "z.crt"
              dial_timeout = "1.5s"
            [host."http://a.example:5000/some"]
              capabilities = ["pull", "resolve"]
              client = [["a.cert", "a.key"], ["/b.pem", ""]]
              proxy = "http://proxy.example:3128"
              [host."http://a.example:5000/some".header]
                x-one = ["1", "2"]
            [host."https://c.example/own/path"]
              override_path = true
              skip_verify = true
            """);
        var found = Find("docker.io");
        Assert.Equal(
            ["https://z.example/v2/ docker.io Pull", "http://a.example:5000/some/v2/ docker.io Pull, Resolve",
                "https://c.example/own/path/ docker.io All", "https://registry-1.docker.io/v2/  All"],
            found.Select(e => $"{e.Base} {e.Namespace} {e.Can}"));
        Assert.Equal([Path.Join(_place.FullName, "docker.io", "z.crt")], found[0].Tls.Authorities);
        Assert.Equal(TimeSpan.FromSeconds(1.5), found[0].ConnectTimeout);
        Assert.Equal([(Path.Join(_place.FullName, "docker.io", "a.cert"), Path.Join(_place.FullName, "docker.io", "a.key")),
            ("/b.pem", "")],
            found[1].Tls.Certificates);
        Assert.Equal(["x-one=1", "x-one=2"], found[1].Headers.Select(h => $"{h.Key}={h.Value}"));
        Assert.Equal("http://proxy.example:3128/", found[1].Proxy!.ToString());
        Assert.True(found[2].Tls.SkipVerify);
    }

    [Theory]
    [InlineData("registry.example_5000_", "registry.example:5000")]
    [InlineData("registry.example:5000", "registry.example:5000")]
    [InlineData("_default", "registry.example:5000")]
    [InlineData("_default", "docker.io")]
    public void A_directory_is_found_by_containerds_names(string directory, string host)
    {
        Write(directory, "[host.\"https://mirror.example\"]");
        Assert.Equal("https://mirror.example/v2/", Find(host)[0].Base.ToString());
        Assert.Equal(host, Find(host)[0].Namespace);
    }

    [Fact]
    public void Dockers_certificates_are_used_where_there_is_no_file()
    {
        var directory = _place.CreateSubdirectory("registry.example").FullName;
        foreach (var name in (string[])["ca.crt", "client.cert", "client.key"]) File.WriteAllText(Path.Join(directory, name), "");
        var tls = Assert.Single(Find("registry.example")).Tls;
        Assert.Equal([Path.Join(directory, "ca.crt")], tls.Authorities);
        Assert.Equal([(Path.Join(directory, "client.cert"), Path.Join(directory, "client.key"))], tls.Certificates);
        File.Delete(Path.Join(directory, "client.key"));
        Assert.Contains("client.key does not exist", Refusal("registry.example"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server = ", "not TOML")]
    [InlineData("server = 3", "server: must be a text")]
    [InlineData("server = \"ftp://x\"", "is not the address of a server")]
    [InlineData("[host.\"https://a.example\"]\ncapabilites = []", "host.\"https://a.example\".capabilites: is not a known field")]
    [InlineData("capabilities = [\"fly\"]", "\"fly\" is not a capability")]
    [InlineData("skip_verify = \"yes\"", "must be true or false")]
    [InlineData("dial_timeout = \"soon\"", "is not a time")]
    [InlineData("proxy = \"gopher://x\"", "is not a proxy's address")]
    [InlineData("host = 1", "host: must be a table")]
    public void A_wrong_file_is_refused_by_name_and_field(string text, string reason)
    {
        Write("registry.example", text);
        Assert.Contains(reason, Refusal("registry.example"), StringComparison.Ordinal);
        Assert.Contains(Path.Join(_place.FullName, "registry.example", "hosts.toml"), Refusal("registry.example"),
            StringComparison.Ordinal);
    }

    private string Refusal(string host)
    {
        var failure = Assert.Throws<RegistryException>(() => Find(host));
        Assert.Equal(RegistryFault.InvalidArgument, failure.Fault);
        return failure.Message;
    }

    private IReadOnlyList<RegistryHost> Find(string host) => HostsDirectory.Find(_place.FullName, host);

    private void Write(string directory, string text) =>
        File.WriteAllText(Path.Join(_place.CreateSubdirectory(directory).FullName, "hosts.toml"), text);
}
