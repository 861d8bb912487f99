using System.Net;
using System.Net.Http.Headers;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;
using Supervisor.Registry.Transport;

namespace Supervisor.Registry.Pushing;

/// <summary>Uploads to one server. OCI distribution-spec, "Push".</summary>
internal sealed class Pusher(HostClient server, ImageName name, RegistryLimits limits)
{
    private string Scope => $"repository:{name.Repository}:pull,push";

    /// <summary>Whether the repository has a blob or manifest already.</summary>
    internal async Task<bool> HasAsync(Descriptor what, CancellationToken cancel)
    {
        var isManifest = MediaTypes.IsManifest(what.MediaType) || MediaTypes.IsIndex(what.MediaType);
        var at = server.At($"{name.Repository}/{(isManifest ? "manifests" : "blobs")}/{what.Digest}");
        try
        {
            using var answer = await server.SendAsync(
                () => isManifest ? ManifestRequest.Make(HttpMethod.Head, at) : new HttpRequestMessage(HttpMethod.Head, at),
                    Scope, cancel);
            return true;
        }
        catch (RegistryException e) when (e.Fault is RegistryFault.NotFound)
        {
            return false;
        }
    }

    /// <summary>Uploads a blob in one request, or has the registry take it from another of its repositories.</summary>
    /// <param name="open">Opens the blob at its start: once for each attempt.</param>
    /// <param name="from">A repository of the same registry that has it; null: none is known.</param>
    /// <param name="progress">Bytes sent so far, of an attempt.</param>
    internal async Task PushBlobAsync(
        Descriptor blob, Func<Stream> open, string? from, Action<long>? progress, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                await OnceAsync(blob, open, from, progress, cancel);
                return;
            }
            catch (RegistryException e) when (e.Fault is RegistryFault.Unavailable && attempt < limits.Attempts)
            {
                await Task.Delay(RetryDelay.After(attempt, null, limits), cancel);
            }
    }

    /// <summary>Uploads a manifest under its tag or digest.</summary>
    internal async Task PushManifestAsync(
        Descriptor manifest, ReadOnlyMemory<byte> bytes, string selector, CancellationToken cancel)
    {
        using var answer = await server.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Put, server.At($"{name.Repository}/manifests/{selector}"))
            {
                Content = new ReadOnlyMemoryContent(bytes) { Headers =
                    { ContentType = new MediaTypeHeaderValue(manifest.MediaType) } },
            }, Scope, cancel);
    }

    private async Task OnceAsync(Descriptor blob, Func<Stream> open, string? from, Action<long>? progress,
        CancellationToken cancel)
    {
        var query = from is null ? "" : $"?mount={Uri.EscapeDataString(blob.Digest)}&from={Uri.EscapeDataString(from)}";
        Uri upload;
        using (var begun = await server.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, server.At($"{name.Repository}/blobs/uploads/{query}")), Scope, cancel))
        {
            if (begun.StatusCode is HttpStatusCode.Created) return; // mounted
            upload = begun.Headers.Location is { } location ? new Uri(begun.RequestMessage!.RequestUri!, location)
                : throw new RegistryException(
                    RegistryFault.InvalidArgument,
                        $"{HostClient.Request(begun.RequestMessage!)}: the answer says no place to upload to");
        }
        var target = new UriBuilder(upload);
        target.Query = (target.Query.Length > 1 ? target.Query[1..] + "&" : "") + $"digest={Uri.EscapeDataString(blob.Digest)}";
        using var answer = await server.SendAsync(() => new HttpRequestMessage(HttpMethod.Put, target.Uri)
        {
            Content = new BlobContent(open(), blob.Size, limits.StallTimeout, progress)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") },
            },
        }, Scope, cancel);
    }
}
