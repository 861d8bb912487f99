using System.Security.Cryptography;
using System.Text;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// The directories of a daemon's shims: the node's in <c>STATE/shim</c>, a container's own in
/// <c>STATE/shims/NAMESPACE/ID</c>, or in <c>STATE/shims/~/HASH</c> where its socket's path would not fit into <c>sun_path</c>.
/// </summary>
internal sealed class ShimDirectories(string state)
{
    private readonly Lock _tree = new(); // removing the last one removes the namespace's directory too

    public string Node => Path.Join(state, "shim");

    /// <summary>Whether any container has a shim directory of its own.</summary>
    public bool AnyOfContainers => OfContainers().Any();

    private string Shims => Path.Join(state, "shims");

    /// <summary>The directory of the container's own shim.</summary>
    /// <param name="key"><c>NAMESPACE/ID</c>; the rest, of an exec's key, is ignored.</param>
    public string Of(string key)
    {
        var container = ContainerOf(key);
        var plain = Path.Join(Shims, container);
        if (Encoding.UTF8.GetByteCount(ShimSocket(plain)) <= UnixSocket.LongestPath) return plain;
        // No namespace is called "~".
        return Path.Join(Shims, "~", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(container)).AsSpan(0, 16)));
    }

    /// <summary>The container's part of a key.</summary>
    public static string ContainerOf(string key) =>
        key.IndexOf('/', key.IndexOf('/', StringComparison.Ordinal) + 1) is >= 0 and var end ? key[..end] : key;

    /// <summary>The existing directories of containers' own shims.</summary>
    public IEnumerable<string> OfContainers() =>
        Directory.Exists(Shims) ? Directory.GetDirectories(Shims).SelectMany(Directory.GetDirectories) : [];

    /// <summary>A shim listens there, or has left an exit that is not collected.</summary>
    public static bool IsInUse(string directory)
    {
        if (new FileInfo(Path.Join(directory, "exits")) is { Exists: true, Length: > 0 }) return true;
        using var there = File.Exists(ShimSocket(directory)) ? PacketSocket.TryConnect(ShimSocket(directory)) : null;
        return there is not null;
    }

    public void Make(string directory)
    {
        lock (_tree) PrivateFiles.MakeDirectory(directory);
    }

    public void Remove(string directory)
    {
        lock (_tree)
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
            var above = Path.GetDirectoryName(directory)!;
            if (above != state && Directory.Exists(above) && !Directory.EnumerateFileSystemEntries(above).Any())
                Directory.Delete(above);
        }
    }

    private static string ShimSocket(string directory) => Path.Join(directory, "s");
}
