using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;

namespace Supervisor.Registry.Transport;

/// <summary>Requests to one server: authorized when it asks, redirected, repeated when it fails, each within its time.</summary>
internal sealed class HostClient : IDisposable
{
    private const int MostRedirects = 5;

    private readonly HttpMessageInvoker _http;
    private readonly Authorizer _authorizer;
    private readonly RegistryLimits _limits;
    private readonly TimeProvider _clock;
    private readonly string _userAgent;

    internal HostClient(RegistryHost server, string registry, FindCredential find, RegistryLimits limits, string userAgent,
        TimeProvider clock)
    {
        (Server, _limits, _clock, _userAgent) = (server, limits, clock, userAgent);
        _http = new HttpMessageInvoker(HostConnections.Make(server));
        _authorizer = new Authorizer(server.Namespace.Length > 0 ? server.Name : registry, server.Base, find, _http, clock);
    }

    internal RegistryHost Server { get; }

    /// <summary>Where a path of the API is on this server.</summary>
    internal Uri At(string path)
    {
        var uri = new Uri(Server.Base, path);
        if (Server.Namespace.Length == 0) return uri;
        var query = $"ns={Uri.EscapeDataString(Server.Namespace)}";
        return new UriBuilder(uri) { Query = uri.Query.Length > 1 ? $"{uri.Query[1..]}&{query}" : query }.Uri;
    }

    /// <summary>Makes a request until it succeeds, or as often as the limits allow.</summary>
    /// <param name="make">Makes it: for each attempt again.</param>
    /// <param name="scope">What its token must allow.</param>
    /// <returns>An answer of success; its body has not been read.</returns>
    /// <exception cref="RegistryException">It failed.</exception>
    internal async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, string scope, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            RegistryException failure;
            TimeSpan? wanted = null;
            try
            {
                var answer = await OnceAsync(make, scope, cancel);
                if (answer.IsSuccessStatusCode) return answer;
                using (answer)
                {
                    failure = await ErrorAnswer.ReadAsync(answer, Request(answer.RequestMessage!), cancel);
                    if (!IsTransient(answer.StatusCode)) throw failure;
                    wanted = answer.Headers.RetryAfter is { } after
                        ? after.Delta ?? after.Date - _clock.GetUtcNow() : null;
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or SocketException or TimeoutException)
            {
                failure = new RegistryException(RegistryFault.Unavailable, $"{Server.Base}: {Innermost(e)}", e);
                if (IsFinal(e)) throw failure;
            }
            if (attempt >= _limits.Attempts) throw failure;
            await Task.Delay(RetryDelay.After(attempt, wanted, _limits), _clock, cancel);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>The request as messages name it; the query may have secrets.</summary>
    internal static string Request(HttpRequestMessage request) =>
        $"{request.Method} {request.RequestUri!.GetLeftPart(UriPartial.Path)}";

    private async Task<HttpResponseMessage> OnceAsync(Func<HttpRequestMessage> make, string scope, CancellationToken cancel)
    {
        var answer = await FollowAsync(make, _authorizer.For(scope), cancel);
        if (answer.StatusCode is not HttpStatusCode.Unauthorized || !IsOurs(answer.RequestMessage!.RequestUri!)) return answer;
        var authorization = await _authorizer.AnswerAsync(Challenge.Of(answer), scope, cancel);
        if (authorization is null) return answer;
        answer.Dispose();
        return await FollowAsync(make, authorization, cancel);
    }

    // By hand, for what is only this server's must not go to another: its token, and the configuration's headers.
    private async Task<HttpResponseMessage> FollowAsync(
        Func<HttpRequestMessage> make, AuthenticationHeaderValue? authorization, CancellationToken cancel)
    {
        Uri? target = null;
        for (var redirects = 0; ; redirects++)
        {
            var request = make();
            if (target is not null) request.RequestUri = target;
            request.Headers.TryAddWithoutValidation("User-Agent", _userAgent);
            if (IsOurs(request.RequestUri!))
            {
                request.Headers.Authorization = authorization;
                foreach (var (name, value) in Server.Headers) request.Headers.TryAddWithoutValidation(name, value);
            }
            var answer = await HeadOfAsync(request, cancel);
            if (answer.StatusCode is not (
                HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.TemporaryRedirect
                or HttpStatusCode.PermanentRedirect) || answer.Headers.Location is not { } location)
                return answer;
            using (answer)
            {
                target = new Uri(request.RequestUri!, location);
                if (redirects == MostRedirects || target.Scheme != Uri.UriSchemeHttps && target.Scheme != Server.Base.Scheme)
                    throw new RegistryException(
                        RegistryFault.FailedPrecondition,
                        redirects == MostRedirects ? $"{Request(request)}: more than {MostRedirects} redirects"
                            : $"{Request(request)}: it redirects to {target.Scheme}, which is without TLS");
            }
        }
    }

    private async Task<HttpResponseMessage> HeadOfAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        // A request with a body answers when the body has been sent, which has its own time.
        if (request.Content is BlobContent) return await _http.SendAsync(request, cancel);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        within.CancelAfter(_limits.AnswerTimeout);
        try
        {
            return await _http.SendAsync(request, within.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"{Request(request)}: no answer within {_limits.AnswerTimeout.TotalSeconds:0} s");
        }
    }

    private bool IsOurs(Uri uri) => uri.Scheme == Server.Base.Scheme && uri.Authority == Server.Base.Authority;

    private static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
        or HttpStatusCode.GatewayTimeout;

    // Trying again does not help a name that does not exist, or a certificate that is not trusted.
    private static bool IsFinal(Exception e) => e is HttpRequestException {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
            or HttpRequestError.ProxyTunnelError
            or HttpRequestError.ConfigurationLimitExceeded };

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }
}
