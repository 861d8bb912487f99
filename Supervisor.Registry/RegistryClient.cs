using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.Pulling;
using Supervisor.Registry.Pushing;
using Supervisor.Registry.References;
using Supervisor.Registry.Transport;

namespace Supervisor.Registry;

/// <summary>
/// One repository of a registry, and its mirrors: what a pull and a push ask of them. It keeps connections and tokens: dispose
/// it. Source: OCI distribution-spec 1.1.
/// </summary>
public sealed class RegistryClient : IDisposable
{
    private readonly ImageName _name;
    private readonly List<HostClient> _servers;
    private readonly RegistryLimits _limits;
    private readonly TimeProvider _clock;

    /// <param name="name">The image.</param>
    /// <param name="hosts">The servers, in the order in which they are tried.</param>
    /// <param name="find">Asked when a server wants credentials.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="userAgent">The header User-Agent.</param>
    /// <param name="clock">The time.</param>
    /// <exception cref="RegistryException">A certificate of a host cannot be read.</exception>
    public RegistryClient(
        ImageName name, IReadOnlyList<RegistryHost> hosts, FindCredential find, RegistryLimits limits, string userAgent,
            TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        (_name, _limits, _clock) = (name, limits, clock);
        _servers = [.. hosts.Select(e => new HostClient(e, name.Host, find, limits, userAgent, clock))];
    }

    /// <summary>Whether the registry answers, and accepts the credentials. OCI distribution-spec, "Determining
    /// Support".</summary>
    /// <exception cref="RegistryException">Unauthenticated: it does not accept them. Unavailable…</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        var server = _servers[^1]; // the registry itself, not a mirror
        using var answer = await server.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, server.Server.Base), "", cancel);
    }

    /// <summary>What the name's tag or digest is now.</summary>
    /// <exception cref="RegistryException">NotFound, Unauthenticated, Unavailable…</exception>
    public async Task<Descriptor> ResolveAsync(CancellationToken cancel)
    {
        try
        {
            return await FindAsync(cancel);
        }
        catch (RegistryException e) when (e.Fault is RegistryFault.NotFound)
        {
            throw new RegistryException(
                RegistryFault.NotFound, $"{_name}: not found ({e.Message}): check the name and the tag, or log in", e);
        }
    }

    private async Task<Descriptor> FindAsync(CancellationToken cancel)
    {
        var path = ManifestPath(_name.Selector);
        var (server, found) = await Servers.FirstOfAsync(
            Able(_name.Digest.Length > 0 ? Capabilities.Pull : Capabilities.Resolve), async one =>
            {
                // A HEAD does not count against Docker Hub's limit of pulls.
                using var answer = await one.SendAsync(() => ManifestRequest.Make(HttpMethod.Head, one.At(path)), PullScope,
                    cancel);
                return (Digest: answer.Headers.TryGetValues("Docker-Content-Digest", out var digests) ? digests.First() : "",
                    MediaType: answer.Content.Headers.ContentType?.MediaType ?? "",
                    Size: answer.Content.Headers.ContentLength ?? -1);
            });
        if (_name.Digest.Length > 0) found.Digest = _name.Digest;
        if (DigestText.IsValid(found.Digest) && found.Size is > 0 && MediaTypes.Accepted.Contains(found.MediaType))
            return new Descriptor(found.MediaType, found.Digest, CheckSize(server.At(path), found.Size));
        using var whole = await server.SendAsync(() => ManifestRequest.Make(HttpMethod.Get, server.At(path)), PullScope, cancel);
        var bytes = await BoundedBody.ReadAsync(whole, _limits.ManifestSize, cancel);
        var digest = DigestText.Of(bytes, _name.Digest);
        if (_name.Digest.Length > 0 && digest != _name.Digest) throw Mismatch(server.At(path), _name.Digest, digest);
        return new Descriptor(whole.Content.Headers.ContentType?.MediaType ?? "", digest, bytes.Length);
    }

    /// <summary>A manifest or an index, whose digest and size have been checked.</summary>
    public async Task<byte[]> ReadManifestAsync(Descriptor manifest, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var path = ManifestPath(manifest.Digest);
        var (_, bytes) = await Servers.FirstOfAsync(Able(Capabilities.Pull), async server =>
        {
            CheckSize(server.At(path), manifest.Size);
            using var answer = await server.SendAsync(() => ManifestRequest.Make(HttpMethod.Get, server.At(path)), PullScope,
                cancel);
            var body = await BoundedBody.ReadAsync(answer, _limits.ManifestSize, cancel);
            if (body.Length != manifest.Size)
                throw new RegistryException(
                    RegistryFault.DataLoss, $"{server.At(path)}: it has {body.Length} bytes, {manifest.Size} were announced");
            return DigestText.Of(body, manifest.Digest) is var digest && digest == manifest.Digest
                ? body : throw Mismatch(server.At(path), manifest.Digest, digest);
        });
        return bytes;
    }

    /// <summary>Reads a blob from an offset to its end. Its digest is for the caller to check, who has the bytes
    /// before.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="from">Bytes that the caller has.</param>
    /// <param name="take">Gets each piece; it may not keep the memory.</param>
    public Task ReadBlobAsync(Descriptor blob, long from, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(blob);
        return new BlobReader(
            Able(Capabilities.Pull), $"{_name.Repository}/blobs/{blob.Digest}", PullScope, blob, _limits, _clock)
                .ReadAsync(from, take, cancel);
    }

    /// <summary>Whether the repository has a blob or manifest already.</summary>
    public Task<bool> HasAsync(Descriptor what, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(what);
        return Pusher().HasAsync(what, cancel);
    }

    /// <summary>Uploads a blob.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="open">Opens it at its start: once for each attempt.</param>
    /// <param name="from">A repository of the same registry that has it; null: none is known.</param>
    /// <param name="progress">Bytes sent so far, of an attempt.</param>
    public Task PushBlobAsync(Descriptor blob, Func<Stream> open, string? from, Action<long>? progress,
        CancellationToken cancel) =>
        Pusher().PushBlobAsync(blob, open, from, progress, cancel);

    /// <summary>Uploads a manifest or an index, whose parts the repository has.</summary>
    /// <param name="isTagged">Under the name's tag; else under its digest.</param>
    public Task PushManifestAsync(Descriptor manifest, ReadOnlyMemory<byte> bytes, bool isTagged, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Pusher().PushManifestAsync(manifest, bytes, isTagged && _name.Tag.Length > 0 ? _name.Tag : manifest.Digest,
            cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var server in _servers) server.Dispose();
    }

    private string PullScope => $"repository:{_name.Repository}:pull";

    private string ManifestPath(string selector) => $"{_name.Repository}/manifests/{selector}";

    private Pusher Pusher() => new(Able(Capabilities.Push)[0], _name, _limits);

    private List<HostClient> Able(Capabilities what) => _servers.FindAll(s => s.Server.Can.HasFlag(what)) is { Count: > 0 } able
        ? able
        : throw new RegistryException(
            RegistryFault.FailedPrecondition,
                $"no host of {_name.Host} has the capability \"{what.ToString().ToLowerInvariant()}\": "
                + "see its hosts.toml");

    private long CheckSize(Uri what, long size) => size <= _limits.ManifestSize ? size : throw new RegistryException(
        RegistryFault.ResourceExhausted, $"{what}: a manifest of {size} bytes, at most {_limits.ManifestSize} are allowed");

    private static RegistryException Mismatch(Uri what, string expected, string found) =>
        new(RegistryFault.DataLoss, $"{what}: its digest is {found}, {expected} was announced");
}
