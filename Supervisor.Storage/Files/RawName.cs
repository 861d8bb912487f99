using System.Text;

namespace Supervisor.Storage.Files;

/// <summary>
/// File names as in the kernel: bytes, without an encoding. They are kept in strings with one character per byte (Latin-1), so
/// that any name survives, also invalid UTF-8; only messages decode them.
/// </summary>
public static class RawName
{
    /// <summary>A path of ours, as raw bytes.</summary>
    public static string Of(string path) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path));

    /// <summary>Decodes it, for messages and for .NET's calls.</summary>
    public static string ToText(string raw) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(raw));

    /// <summary>With a terminating zero, for system calls.</summary>
    internal static byte[] ToBytes(string raw)
    {
        var bytes = new byte[raw.Length + 1];
        Encoding.Latin1.GetBytes(raw, bytes);
        return bytes;
    }
}
