using Supervisor.Registry;
using Supervisor.Registry.Credentials;

namespace Supervisor.Tests.Registry;

/// <summary>Docker's config.json.</summary>
public sealed class DockerConfigTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-login-");

    private string File => Path.Join(_place.FullName, "docker", "config.json");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public void A_login_is_found_again_and_the_file_is_for_its_owner_alone()
    {
        var login = new Credential("person", "a:b", CredentialKind.Password);
        DockerConfig.Read(File).Store("registry.example:5000", login);
        DockerConfig.Read(File).Store("docker.io", new Credential("", "identity", CredentialKind.Refresh));
        Assert.Equal(login, DockerConfig.Read(File).Find("registry.example:5000"));
        Assert.Equal(new Credential("", "identity", CredentialKind.Refresh), DockerConfig.Read(File).Find("docker.io"));
        Assert.Null(DockerConfig.Read(File).Find("other.example"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            System.IO.File.GetUnixFileMode(Path.GetDirectoryName(File)!));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(File)!));
    }

    [Fact]
    public void Logging_out_removes_the_entry_and_nothing_else()
    {
        Write("""{"psFormat":"x","auths":{"https://registry.example/":{"auth":"YTpi"},"b.example":{"auth":"YTpi"}}}""");
        Assert.True(DockerConfig.Read(File).Store("registry.example", null));
        Assert.False(DockerConfig.Read(File).Store("registry.example", null));
        Assert.Null(DockerConfig.Read(File).Find("registry.example"));
        Assert.Equal(new Credential("a", "b", CredentialKind.Password), DockerConfig.Read(File).Find("b.example"));
        Assert.Contains("psFormat", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
    }

    [Fact]
    public void A_helper_is_named_by_host_or_for_all()
    {
        Write("""{"credsStore":"all","credHelpers":{"registry.example":"one","https://index.docker.io/v1/":"hub"}}""");
        Assert.Equal(("one", "hub", "all"), (Helper("registry.example"), Helper("docker.io"), Helper("other.example")));
        Write("""{"credsStore":"../../bin/sh"}""");
        Assert.Contains("credential helper", Assert.Throws<RegistryException>(() => Helper("a.example")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"auths\":{\"a.example\":{\"auth\":\"!!\"}}}", "Log in again")]
    [InlineData("{\"auths\":{\"a.example\":{\"auth\":\"YWI=\"}}}", "Log in again")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "cannot read")]
    public void A_damaged_file_is_refused_by_name(string json, string reason)
    {
        Write(json);
        var failure = Assert.Throws<RegistryException>(() => DockerConfig.Read(File).Find("a.example"));
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Contains(File, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_is_not_printed() =>
        Assert.DoesNotContain("hush", $"{new Credential("person", "hush", CredentialKind.Password)}", StringComparison.Ordinal);

    private string? Helper(string host) => DockerConfig.Read(File).HelperOf(host);

    private void Write(string json)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, json);
    }
}
