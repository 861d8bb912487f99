using System.Runtime.CompilerServices;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Files;

/// <summary>Extended attributes of a node named by an open directory and one name in it. xattr(7).</summary>
public static unsafe class ExtendedAttributes
{
    /// <summary>overlayfs's mark of an opaque directory, which hides the layers below.</summary>
    public const string Opaque = "trusted.overlay.opaque";

    private const int MaximumValue = 64 * 1024; // XATTR_SIZE_MAX

    /// <summary>All of them, by name; none if the filesystem does not support them.</summary>
    [SkipLocalsInit]
    public static SortedDictionary<string, byte[]> All(Fd directory, string name)
    {
        var all = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        Span<byte> buffer = stackalloc byte[MaximumValue];
        nint length;
        fixed (byte* path = PathOf(directory, name))
        fixed (byte* b = buffer) length = Native.llistxattr(path, b, (nuint)buffer.Length);
        if (length < 0) return Errno.Last is Errno.EOPNOTSUPP ? all : throw FileCalls.Failed("llistxattr", name);
        foreach (var key in Encoding.Latin1.GetString(buffer[..(int)length]).Split('\0', StringSplitOptions.RemoveEmptyEntries))
            if (Get(directory, name, key) is { } value) all[key] = value;
        return all;
    }

    /// <summary>One of them.</summary>
    /// <returns>Null if it is not set.</returns>
    [SkipLocalsInit]
    public static byte[]? Get(Fd directory, string name, string key)
    {
        Span<byte> buffer = stackalloc byte[MaximumValue];
        fixed (byte* path = PathOf(directory, name))
        fixed (byte* k = RawName.ToBytes(key))
        fixed (byte* b = buffer)
        {
            var length = Native.lgetxattr(path, k, b, (nuint)buffer.Length);
            if (length >= 0) return buffer[..(int)length].ToArray();
            return Errno.Last is Errno.ENODATA or Errno.EOPNOTSUPP ? null : throw FileCalls.Failed($"lgetxattr {key}", name);
        }
    }

    /// <summary>Sets one.</summary>
    /// <returns>False if the filesystem does not support this kind (EOPNOTSUPP).</returns>
    public static bool TrySet(Fd directory, string name, string key, ReadOnlySpan<byte> value)
    {
        fixed (byte* path = PathOf(directory, name))
        fixed (byte* k = RawName.ToBytes(key))
        fixed (byte* v = value)
        {
            if (Native.lsetxattr(path, k, v, (nuint)value.Length, 0) == 0) return true;
            return Errno.Last is Errno.EOPNOTSUPP ? false : throw FileCalls.Failed($"lsetxattr {key}", name);
        }
    }

    // There are no -at calls before Linux 6.13; the directory's descriptor in /proc names the same directory.
    private static byte[] PathOf(Fd directory, string name) =>
        RawName.ToBytes(name.Length == 0 ? $"/proc/self/fd/{directory.Number}/." : $"/proc/self/fd/{directory.Number}/{name}");
}
