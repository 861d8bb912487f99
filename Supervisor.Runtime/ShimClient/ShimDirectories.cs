using System.Security.Cryptography;
using System.Text;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Where the shims of a daemon are: the node's in <c>STATE/shim</c>, a container's own in <c>STATE/shims/NAMESPACE/ID</c>, or in
/// <c>STATE/shims/~/HASH</c> where the path of its socket would be longer than a socket's may be.
/// </summary>
internal sealed class ShimDirectories(string state)
{
    private readonly Lock _tree = new(); // the last one's removal takes the namespace's directory with it

    /// <summary>The node's.</summary>
    public string Node => Path.Join(state, "shim");

    /// <summary>Whether any container's own is there.</summary>
    public bool AnyOfContainers => OfContainers().Any();

    private string Shims => Path.Join(state, "shims");

    /// <summary>The container's own.</summary>
    /// <param name="key"><c>NAMESPACE/ID</c>; what follows, of an exec, is not looked at.</param>
    public string Of(string key)
    {
        var container = ContainerOf(key);
        var plain = Path.Join(Shims, container);
        if (Encoding.UTF8.GetByteCount(ShimSocket(plain)) <= PacketSocket.LongestPath) return plain;
        // No namespace is called "~".
        return Path.Join(Shims, "~", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(container)).AsSpan(0, 16)));
    }

    /// <summary>The container that a key is of.</summary>
    public static string ContainerOf(string key) =>
        key.IndexOf('/', key.IndexOf('/', StringComparison.Ordinal) + 1) is >= 0 and var end ? key[..end] : key;

    /// <summary>All containers' own that are there.</summary>
    public IEnumerable<string> OfContainers() =>
        Directory.Exists(Shims) ? Directory.GetDirectories(Shims).SelectMany(Directory.GetDirectories) : [];

    /// <summary>Somebody listens there, or has left an end that nobody has collected.</summary>
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
