using System.Text.Json;
using Supervisor.Cli.Errors;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Runtime.Launch;

namespace Supervisor.Cli.Images;

/// <summary>
/// The user's logins: docker's own file, and the helpers that it names. So who is logged in with docker is logged in here.
/// Source: docker's
/// documentation of credential helpers.
/// </summary>
internal static class Logins
{
    private static readonly TimeSpan HelperWithin = TimeSpan.FromMinutes(1); // it may ask for a key

    /// <summary>$DOCKER_CONFIG/config.json, or ~/.docker/config.json.</summary>
    public static string File => Path.Join(
        Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } directory ? directory
            : Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"),
        "config.json");

    /// <summary>What is stored for a host; null: nothing.</summary>
    public static Task<Credential?> FindAsync(string host, CancellationToken cancel) =>
        Task.Run(() => Find(host, cancel), cancel);

    /// <summary>Keeps a login.</summary>
    /// <returns>Where.</returns>
    public static string Store(string host, Credential credential, CancellationToken cancel)
    {
        var config = Read();
        if (config.HelperOf(host) is not { } helper)
        {
            Guard(() => config.Store(host, credential));
            return File;
        }
        var user = credential.Kind is CredentialKind.Refresh ? "<token>" : credential.User;
        Run(helper, "store", Output.JsonOutput.Render(json =>
        {
            json.WriteStartObject();
            json.WriteString("ServerURL", DockerConfig.KeyOf(host));
            json.WriteString("Username", user);
            json.WriteString("Secret", credential.Secret);
            json.WriteEndObject();
        }, indented: false), cancel);
        return $"docker-credential-{helper}";
    }

    /// <summary>Forgets a login.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool Forget(string host, CancellationToken cancel)
    {
        var config = Read();
        if (config.HelperOf(host) is not { } helper) return Guard(() => config.Store(host, null));
        var had = Find(host, cancel) is not null;
        if (had) Run(helper, "erase", DockerConfig.KeyOf(host), cancel);
        return had;
    }

    private static Credential? Find(string host, CancellationToken cancel)
    {
        var config = Read();
        if (config.HelperOf(host) is not { } helper) return Guard(() => config.Find(host));
        if (Run(helper, "get", DockerConfig.KeyOf(host), cancel, mayFail: true) is not { } answer) return null;
        try
        {
            using var document = JsonDocument.Parse(answer);
            return DockerConfig.Of(
                document.RootElement.GetProperty("Username").GetString() ?? "",
                document.RootElement.GetProperty("Secret").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new CliException($"docker-credential-{helper} get: its answer has no Username and Secret");
        }
    }

    /// <returns>Its output; null if it has nothing for the host.</returns>
    private static string? Run(string helper, string verb, string input, CancellationToken cancel, bool mayFail = false)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        within.CancelAfter(HelperWithin);
        try
        {
            var (status, output) = HostCommand.Run([$"docker-credential-{helper}", verb], input, within.Token);
            if (status == 0) return output;
            if (mayFail && output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase)) return null;
            throw new CliException($"docker-credential-{helper} {verb} failed: {Verbs.Verb.OneLine(output)}");
        }
        catch (LaunchException e)
        {
            throw new CliException($"{File} names the credential helper \"{helper}\": {e.Message}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new CliException($"docker-credential-{helper} {verb} did not end within {HelperWithin.TotalSeconds:0} s");
        }
    }

    private static DockerConfig Read() => Guard(() => DockerConfig.Read(File));

    private static T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (RegistryException e)
        {
            throw new CliException(e.Message);
        }
    }
}
