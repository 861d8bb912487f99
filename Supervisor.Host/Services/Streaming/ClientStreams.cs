using System.Collections.Concurrent;
using Grpc.Core;

namespace Supervisor.Host.Services.Streaming;

/// <summary>The open streams of all clients, by namespace and name.</summary>
public sealed class ClientStreams
{
    /// <summary>Streams that may be open at once.</summary>
    public const int Most = 1000;

    private const int LongestName = 256;

    private readonly ConcurrentDictionary<(string Namespace, string Name), ClientStream> _open = new();

    /// <summary>The stream of a name, for one call alone.</summary>
    /// <exception cref="RpcException">NOT_FOUND: there is none. FAILED_PRECONDITION: another call has it.</exception>
    public ClientStream Take(string @namespace, string name)
    {
        if (!_open.TryGetValue((@namespace, name), out var stream))
            throw GrpcTranslation.Refuse(
                StatusCode.NotFound,
                $"stream \"{name[..Math.Min(name.Length, LongestName)]}\": not found: open it before it is named");
        lock (stream)
        {
            if (stream.IsTaken)
                throw GrpcTranslation.Refuse(StatusCode.FailedPrecondition, $"stream \"{name}\" is used by another call");
            stream.IsTaken = true;
        }
        return stream;
    }

    /// <summary>The stream of a name; null if the name is empty.</summary>
    public ClientStream? TakeOrNone(string @namespace, string name) => name.Length == 0 ? null : Take(@namespace, name);

    internal void Add(string @namespace, string name, ClientStream stream)
    {
        if (name.Length is 0 or > LongestName)
            throw new Actors.Identity.InvalidFieldException("id", $"must be 1 to {LongestName} characters long");
        if (_open.Count >= Most)
            throw GrpcTranslation.Refuse(StatusCode.ResourceExhausted, $"{Most} streams are open already");
        if (!_open.TryAdd((@namespace, name), stream))
            throw GrpcTranslation.Refuse(StatusCode.AlreadyExists, $"stream \"{name}\": already exists");
    }

    internal void Remove(string @namespace, string name) => _open.TryRemove((@namespace, name), out _);
}
