using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Supervisor.Registry.References;

namespace Supervisor.Registry.Credentials;

/// <summary>
/// Docker's configuration file, as far as logins go: fields that are not ours are kept. Source: docker's documentation of
/// <c>config.json</c> and of credential helpers.
/// </summary>
public sealed class DockerConfig
{
    private const string HubKey = "https://index.docker.io/v1/", TokenUser = "<token>";
    private const int LargestFile = 1 << 20;

    private readonly JsonObject _root;
    private readonly string _file;

    private DockerConfig(JsonObject root, string file) => (_root, _file) = (root, file);

    /// <summary>Reads a file; a missing one is an empty one.</summary>
    /// <exception cref="RegistryException">It is not docker's configuration.</exception>
    public static DockerConfig Read(string file)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            var about = new FileInfo(file);
            if (!about.Exists) return new DockerConfig([], file);
            if (about.Length > LargestFile) throw Wrong(file, $"is larger than {LargestFile} bytes");
            return new DockerConfig(JsonNode.Parse(File.ReadAllBytes(file)) as JsonObject
                ?? throw Wrong(file, "is not a JSON object"), file);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new RegistryException(RegistryFault.InvalidArgument, $"cannot read {file}: {e.Message}", e);
        }
    }

    /// <summary>The server's key in the file, and in helpers: Docker Hub has a name of its own.</summary>
    public static string KeyOf(string host) => host == ImageName.DefaultHost ? HubKey : host;

    /// <summary>The program that keeps a host's credentials: NAME of <c>docker-credential-NAME</c>; null if the file
    /// does.</summary>
    /// <exception cref="RegistryException">The name is none.</exception>
    public string? HelperOf(string host)
    {
        var helper = (_root["credHelpers"] as JsonObject)?[KeyOf(host)] ?? (_root["credHelpers"] as JsonObject)?[host]
            ?? _root["credsStore"];
        if (helper is null) return null;
        var name = helper.GetValueKind() is JsonValueKind.String ? helper.GetValue<string>() : "";
        if (name.Length == 0) return null;
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? name
            : throw Wrong(_file, $"names \"{name}\" as a credential helper, which no program can be called");
    }

    /// <summary>What the file itself has for a host.</summary>
    /// <exception cref="RegistryException">The entry is damaged.</exception>
    public Credential? Find(string host)
    {
        if (Entry(host) is not { } entry) return null;
        if (Text(entry, "identitytoken") is { Length: > 0 } token) return new Credential("", token, CredentialKind.Refresh);
        if (Text(entry, "registrytoken") is { Length: > 0 } bearer)
            return new Credential("", $"Bearer {bearer}", CredentialKind.Header);
        if (Text(entry, "auth") is not { Length: > 0 } auth)
            return Text(entry, "username") is { Length: > 0 } user ? Of(user, Text(entry, "password")) : null;
        var decoded = new byte[auth.Length];
        if (!Convert.TryFromBase64String(auth, decoded, out var length)
            || Encoding.UTF8.GetString(decoded, 0, length) is var pair && !pair.Contains(':', StringComparison.Ordinal))
            throw Wrong(_file, $"has no user and password for {host}: auth must be base64 of USER:PASSWORD. Log in again");
        return Of(pair[..pair.IndexOf(':', StringComparison.Ordinal)], pair[(pair.IndexOf(':', StringComparison.Ordinal) + 1)..]);
    }

    /// <summary>A credential from what a helper or a person gave: docker's helpers call an identity token's user
    /// &lt;token&gt;.</summary>
    public static Credential Of(string user, string secret) => user == TokenUser
        ? new Credential("", secret, CredentialKind.Refresh) : new Credential(user, secret, CredentialKind.Password);

    /// <summary>Sets or, with null, removes the file's entry of a host, and writes the file.</summary>
    /// <returns>Whether there was something to change.</returns>
    public bool Store(string host, Credential? credential)
    {
        var auths = _root["auths"] as JsonObject;
        if (credential is null)
        {
            if (Names(host).ToList().FindAll(name => auths?.Remove(name) == true) is []) return false;
        }
        else
        {
            if (auths is null) _root["auths"] = auths = [];
            foreach (var name in Names(host)) auths.Remove(name);
            auths[KeyOf(host)] = credential.Kind is CredentialKind.Refresh
                ? new JsonObject { ["auth"] = "", ["identitytoken"] = credential.Secret }
                : new JsonObject {
                    ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Secret}")) };
        }
        Write();
        return true;
    }

    // Written beside it and renamed: a reader sees the file before or after, never a part.
    private void Write()
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(_file))!;
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var target = new FileInfo(_file) is { LinkTarget: not null } link
            ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : _file;
        var draft = $"{target}.{Environment.ProcessId}.new";
        try
        {
            using (var stream = new FileStream(draft, new FileStreamOptions {
                Mode = FileMode.Create, Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, IndentCharacter = '\t',
                IndentSize = 1 }))
                _root.WriteTo(writer);
            File.Move(draft, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(draft);
            throw new RegistryException(RegistryFault.FailedPrecondition, $"cannot write {_file}: {e.Message}", e);
        }
    }

    private JsonObject? Entry(string host) =>
        _root["auths"] is JsonObject auths ? Names(host).Select(n => auths[n] as JsonObject).FirstOrDefault(e => e is not null)
            : null;

    // Docker has written addresses here, too.
    private static IEnumerable<string> Names(string host) =>
        host == ImageName.DefaultHost ? [HubKey, "index.docker.io", host]
            : [host, $"https://{host}", $"https://{host}/", $"http://{host}"];

    private static string Text(JsonObject entry, string name) =>
        entry[name] is { } value && value.GetValueKind() is JsonValueKind.String ? value.GetValue<string>() : "";

    private static RegistryException Wrong(string file, string what) => new(RegistryFault.InvalidArgument, $"{file} {what}");
}
