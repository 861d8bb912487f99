using System.Net.Http.Headers;

namespace Supervisor.Registry.Transport;

/// <summary>What a registry wants: the parameters of one WWW-Authenticate header. RFC 9110 section 11.6.1; the distribution
/// project's token specification.</summary>
/// <param name="Scheme">In lower case: <c>basic</c> or <c>bearer</c>.</param>
internal sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    private const int MostParameters = 32;

    /// <summary>The best that the answer offers: bearer before basic; null if it offers neither.</summary>
    internal static Challenge? Of(HttpResponseMessage answer) =>
        answer.Headers.WwwAuthenticate.Select(Read).Where(c => c.Scheme is "bearer" or "basic")
            .OrderBy(c => c.Scheme is "bearer" ? 0 : 1).FirstOrDefault();

    internal string this[string name] => Parameters.GetValueOrDefault(name, "");

    private static Challenge Read(AuthenticationHeaderValue header)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var rest = (header.Parameter ?? "").AsSpan();
        while (rest.Length > 0 && parameters.Count < MostParameters)
        {
            rest = rest.TrimStart(" ,\t");
            var equals = rest.IndexOf('=');
            if (equals <= 0) break;
            var name = rest[..equals].Trim().ToString();
            rest = rest[(equals + 1)..].TrimStart();
            parameters.TryAdd(name, rest is ['"', ..] ? Quoted(ref rest) : Token(ref rest));
        }
        return new Challenge(header.Scheme.ToLowerInvariant(), parameters);
    }

    private static string Token(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(',') is var comma && comma < 0 ? rest.Length : comma;
        var value = rest[..end].Trim().ToString();
        rest = rest[end..];
        return value;
    }

    private static string Quoted(ref ReadOnlySpan<char> rest)
    {
        var value = new System.Text.StringBuilder();
        var i = 1;
        for (; i < rest.Length && rest[i] != '"'; i++)
        {
            if (rest[i] == '\\' && i + 1 < rest.Length) i++;
            value.Append(rest[i]);
        }
        rest = rest[Math.Min(i + 1, rest.Length)..];
        return value.ToString();
    }
}
