using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Supervisor.Registry.Credentials;

namespace Supervisor.Registry.Transport;

/// <summary>
/// What goes into the header Authorization of one server's requests: nothing until it asks. Tokens are kept for each scope until
/// they
/// expire. Source: the distribution project's token and OAuth 2 specifications.
/// </summary>
internal sealed class Authorizer(string host, Uri server, FindCredential find, HttpMessageInvoker http, TimeProvider clock)
{
    private const int LongestToken = 1 << 20;
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(60), Margin = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (AuthenticationHeaderValue Header, DateTimeOffset Until)> _known =
        new(StringComparer.Ordinal);

    /// <summary>What is known to be accepted for a scope; else null.</summary>
    internal AuthenticationHeaderValue? For(string scope) =>
        _known.TryGetValue(scope, out var known) && known.Until > clock.GetUtcNow() ? known.Header : null;

    /// <summary>Answers a challenge.</summary>
    /// <returns>Null: there are no credentials for it.</returns>
    /// <exception cref="RegistryException">The token server refuses, or is not to be trusted.</exception>
    internal async Task<AuthenticationHeaderValue?> AnswerAsync(Challenge? challenge, string scope, CancellationToken cancel)
    {
        _known.TryRemove(scope, out _);
        if (challenge is null) return null;
        var credential = await find(host, cancel);
        if (credential is { Kind: CredentialKind.Header })
        {
            if (!AuthenticationHeaderValue.TryParse(credential.Secret, out var whole))
                throw new RegistryException(RegistryFault.InvalidArgument,
                    $"{host}: the credential is not a value of the header Authorization");
            return Keep(scope, whole, TimeSpan.FromDays(1));
        }
        if (challenge.Scheme == "basic")
            return credential is { Kind: CredentialKind.Password } ? Keep(scope, Basic(credential), TimeSpan.FromDays(1)) : null;
        var (token, life) = await TokenAsync(challenge, credential, scope, cancel);
        return Keep(scope, new AuthenticationHeaderValue("Bearer", token), life);
    }

    private AuthenticationHeaderValue Keep(string scope, AuthenticationHeaderValue header, TimeSpan life)
    {
        _known[scope] = (header, clock.GetUtcNow() + life - Margin);
        return header;
    }

    private async Task<(string Token, TimeSpan Life)> TokenAsync(
        Challenge challenge, Credential? credential, string scope, CancellationToken cancel)
    {
        if (!Uri.TryCreate(challenge["realm"], UriKind.Absolute, out var realm) || realm.Scheme is not ("https" or "http"))
            throw Refused($"its token server \"{challenge["realm"]}\" is not an address");
        if (server.Scheme == Uri.UriSchemeHttps && realm.Scheme != Uri.UriSchemeHttps)
            throw Refused(
                $"its token server {realm.Authority} is without TLS, the registry itself is not: no credentials go there");
        // A registry that does not know the repository asks for no scope, or for less than a push needs.
        var wanted = scope.Length > 0 ? scope : challenge["scope"];
        using var request = credential is { Kind: CredentialKind.Refresh } refresh
            ? new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(Fields(
                ("grant_type", "refresh_token"), ("service", challenge["service"]), ("client_id", "supervisor"),
                    ("scope", wanted),
                ("refresh_token", refresh.Secret))) }
            : new HttpRequestMessage(HttpMethod.Get, WithQuery(realm, Fields(
                ("service", challenge["service"]), ("scope", wanted), ("account", credential?.User ?? ""))));
        if (credential is { Kind: CredentialKind.Password }) request.Headers.Authorization = Basic(credential);
        using var answer = await http.SendAsync(request, cancel);
        if (answer.StatusCode is not HttpStatusCode.OK)
            throw await ErrorAnswer.ReadAsync(answer, $"{host}: the token server {realm.Authority} refused", cancel);
        try
        {
            using var document = JsonDocument.Parse(await BoundedBody.ReadAsync(answer, LongestToken, cancel));
            var token = Text(document.RootElement, "token") is { Length: > 0 } plain
                ? plain : Text(document.RootElement, "access_token");
            if (token.Length == 0 || token.Any(c => c is < '!' or > '~'))
                throw Refused($"the token server {realm.Authority} answered without a token");
            var seconds = document.RootElement.TryGetProperty("expires_in", out var life) && life.TryGetInt64(out var s) ? s : 0;
            return (token, TimeSpan.FromSeconds(Math.Clamp(seconds, ShortestLife.TotalSeconds, 86_400)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Refused($"the token server {realm.Authority} did not answer with JSON");
        }
    }

    private RegistryException Refused(string why) => new(RegistryFault.Unauthenticated, $"{host}: {why}");

    private static AuthenticationHeaderValue Basic(Credential credential) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Secret}")));

    private static IEnumerable<KeyValuePair<string, string>> Fields(params (string Name, string Value)[] fields) =>
        fields.Where(f => f.Value.Length > 0).SelectMany(f => f.Name == "scope"
            ? f.Value.Split(' ').Select(one => KeyValuePair.Create(f.Name, one)) : [KeyValuePair.Create(f.Name, f.Value)]);

    private static Uri WithQuery(Uri uri, IEnumerable<KeyValuePair<string, string>> fields)
    {
        var query = string.Join('&', fields.Select(f => $"{f.Key}={Uri.EscapeDataString(f.Value)}"));
        return new UriBuilder(uri) { Query = uri.Query.Length > 1 ? $"{uri.Query[1..]}&{query}" : query }.Uri;
    }

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
