using System.Net.Http.Headers;
using Supervisor.Registry.Manifests;

namespace Supervisor.Registry.Transport;

/// <summary>A request for a manifest, in any of its types: without them, registries convert it or say that there is
/// none.</summary>
internal static class ManifestRequest
{
    internal static HttpRequestMessage Make(HttpMethod method, Uri uri)
    {
        var request = new HttpRequestMessage(method, uri);
        foreach (var type in MediaTypes.Accepted) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*", 0.1));
        return request;
    }
}
