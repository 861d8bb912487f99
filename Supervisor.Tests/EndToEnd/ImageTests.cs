using System.Text.Json.Nodes;
using Supervisor.Tests.Host.Services;
using Supervisor.Tests.Registry;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The verbs of images, with Debian's docker-registry.</summary>
public sealed class ImageTests : IAsyncLifetime
{
    private readonly LayeredImage _image = new(["lower", "upper"]);
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task An_image_is_loaded_pushed_removed_pulled_and_saved()
    {
        await using var registry = await RegistryServer.StartAsync();
        var name = $"{registry.Host}/some/tool:1";
        Assert.Equal("Loaded image: registry.example/tool:one\n", Ok(await _daemon.Do("load", "-q", "-i", Archive())));
        Ok(await _daemon.Do("tag", "registry.example/tool:one", name));
        Assert.Equal($"{name}@{_image.Manifest.Digest}\n", Ok(await _daemon.Do("push", "-q", "--plain-http", name)));
        var id = _image.Manifest.Digest[7..19];
        Assert.Contains("several names", (await _daemon.Do("rmi", id)).Errors, StringComparison.Ordinal);
        Assert.EndsWith($"Deleted: {_image.Manifest.Digest}\n", Ok(await _daemon.Do("rmi", "-f", id)), StringComparison.Ordinal);
        Assert.Equal("", Ok(await _daemon.Do("images", "-q")));

        var pulled = await _daemon.Do("pull", "--plain-http", name);
        Assert.Equal($"{name}\n", Ok(pulled));
        Assert.Contains("extracted", pulled.Errors, StringComparison.Ordinal); // progress is not data
        Assert.Equal($"{id}\n", Ok(await _daemon.Do("images", "-q")));
        Assert.Equal($"{registry.Host}/some/tool 1\n", Ok(await _daemon.Do("images", "--format", "{{.Repository}} {{.Tag}}")));
        Assert.Equal($"[\"{name}\"] amd64\n", Ok(await _daemon.Do(
            "image", "inspect", "-f", "{{json .RepoTags}} {{.Architecture}}", name)));
        Assert.Equal(3, Ok(await _daemon.Do("history", name)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        var saved = Path.Join(_daemon.Place, "saved.tar");
        Ok(await _daemon.Do("save", "-o", saved, name));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(saved));
        Ok(await _daemon.Do("rmi", name));
        Assert.Equal($"Loaded image: {name}\n", Ok(await _daemon.Do("load", "-q", "-i", saved)));
        Assert.Equal($"{_image.Manifest.Digest}\n", Ok(
            await _daemon.Do("images", "-q", "--no-trunc", $"{registry.Host}/some/tool")));
        Assert.Equal($"Untagged: {name}\n", Ok(await _daemon.Do("image", "prune", "-a", "-f")));
        Assert.Equal("", Ok(await _daemon.Do("images", "-q")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_login_is_checked_kept_used_and_forgotten(bool hasHelper)
    {
        await using var registry = await RegistryServer.StartAsync(hasPasswords: true);
        var directory = Directory.CreateDirectory(Path.Join(_daemon.Place, "docker")).FullName;
        if (hasHelper) WriteHelper(directory);
        var environment = new Dictionary<string, string>
        {
            ["DOCKER_CONFIG"] = directory, ["PATH"] = $"{directory}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        Ok(await _daemon.Do("load", "-q", "-i", Archive()));
        var name = $"{registry.Host}/tool:1";
        Ok(await _daemon.Do("tag", "registry.example/tool:one", name));

        var denied = await DoAsync(environment, null, "push", "-q", "--plain-http", name);
        Assert.Contains("login", denied.Errors, StringComparison.Ordinal);
        var wrong = await DoAsync(
            environment, "wrong", "login", "--plain-http", "-u", RegistryServer.User, "--password-stdin", registry.Host);
        Assert.Contains("does not accept this user and password", wrong.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, wrong.Status);
        Ok(await DoAsync(
            environment, RegistryServer.Password, "login", "--plain-http", "-u", RegistryServer.User, "--password-stdin",
                registry.Host));
        var config = Path.Join(directory, "config.json");
        Assert.DoesNotContain(RegistryServer.Password, hasHelper ? File.ReadAllText(config) : "", StringComparison.Ordinal);
        Ok(await DoAsync(environment, null, "push", "-q", "--plain-http", name));
        Ok(await _daemon.Do("rmi", name));
        Ok(await DoAsync(environment, null, "pull", "-q", "--plain-http", name));
        Assert.Contains("Removed the login", Ok(await DoAsync(environment, null, "logout", registry.Host)),
            StringComparison.Ordinal);
        Assert.Contains("There is no login", Ok(await DoAsync(environment, null, "logout", registry.Host)),
            StringComparison.Ordinal);
        Assert.Contains("login", (await DoAsync(environment, null, "pull", "-q", "--plain-http", name)).Errors,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pull UPPER", "lower case")]
    [InlineData("pull --platform x/y/z/w nginx", "--platform: \"x/y/z/w\" is not a platform")]
    [InlineData("pull -a nginx", "\"-a\": is not supported: name each tag")]
    [InlineData("images -f x", "\"-f\": is not supported: \"images REPOSITORY[:TAG]\" chooses")]
    [InlineData("push none", "no such image: none")]
    [InlineData("rmi none", "no such image: none")]
    [InlineData("tag none other", "no such image: none")]
    [InlineData("save -o /nowhere/x none", "no such image: none")]
    [InlineData("load -i /nowhere/x", "/nowhere/x")]
    [InlineData("image prune -a", "--force: needed where no terminal can be asked")]
    [InlineData("login -p x --password-stdin h.example", "--password and --password-stdin")]
    [InlineData("login --password-stdin h.example", "needs --username")]
    [InlineData("login -u a -p b a_b.example:x", "is not")]
    public async Task A_mistake_is_named(string line, string reason)
    {
        var outcome = await _daemon.Do(line.Split(' '));
        Assert.NotEqual(0, outcome.Status);
        Assert.Contains(reason, outcome.Errors, StringComparison.Ordinal);
        Assert.Single(outcome.Errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task An_image_that_a_container_was_made_from_is_kept()
    {
        Ok(await _daemon.Do("load", "-q", "-i", Archive()));
        using var channel = Host.TestDaemon.Connect(_daemon.Address);
        var containers = new Containerd.Services.Containers.V1.Containers.ContainersClient(channel);
        await containers.CreateAsync(
            new Containerd.Services.Containers.V1.CreateContainerRequest { Container = new()
            {
                Id = "user", Image = "registry.example/tool:one", Runtime = new() { Name = "io.containerd.runc.v2" },
                Spec = new() { TypeUrl = "t", Value = Google.Protobuf.ByteString.CopyFromUtf8("{}") },
            } }, Host.TestDaemon.In(_daemon.Namespace));
        Assert.Contains("container user was made from it", (await _daemon.Do("rmi", "registry.example/tool:one")).Errors,
            StringComparison.Ordinal);
        Assert.Equal("", Ok(await _daemon.Do("image", "prune", "-a", "-f")));
        Ok(await _daemon.Do("rmi", "-f", "registry.example/tool:one"));
    }

    private string Archive()
    {
        var file = Path.Join(_daemon.Place, "images.tar");
        File.WriteAllBytes(file, ArchiveTests.Layout(_image, "registry.example/tool:one"));
        return file;
    }

    /// <summary>A helper that keeps one login in a file, as docker-credential-* programs do.</summary>
    private static void WriteHelper(string directory)
    {
        var program = Path.Join(directory, "docker-credential-file");
        File.WriteAllText(program, $$"""
            #!/bin/sh
            kept={{directory}}/kept
            case $1 in
              store) cat >"$kept" ;;
              erase) rm -f "$kept" ;;
              get) cat "$kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
            esac
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Join(directory, "config.json"), new JsonObject { ["credsStore"] = "file" }.ToJsonString());
    }

    private async Task<Outcome> DoAsync(Dictionary<string, string> environment, string? input, params string[] arguments)
    {
        using var process = Start(
            CommandLine.Supervisor, ["--address", _daemon.Address, "--namespace", _daemon.Namespace, .. arguments], environment);
        if (input is not null) await process.StandardInput.WriteLineAsync(input);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new Outcome(process.ExitCode, await output, await errors);
    }
}
