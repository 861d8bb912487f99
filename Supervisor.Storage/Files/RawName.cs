using System.Text;

namespace Supervisor.Storage.Files;

/// <summary>
/// File names as the kernel has them: bytes, of no encoding. They are kept in strings with one character a byte (Latin-1), so
/// that any name survives, also one that is no UTF-8; only messages for people decode them.
/// </summary>
public static class RawName
{
    /// <summary>A path of ours, as raw bytes.</summary>
    public static string Of(string path) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path));

    /// <summary>For messages and for .NET's own calls.</summary>
    public static string ToText(string raw) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(raw));

    /// <summary>With the zero at the end that system calls want.</summary>
    internal static byte[] ToBytes(string raw)
    {
        var bytes = new byte[raw.Length + 1];
        Encoding.Latin1.GetBytes(raw, bytes);
        return bytes;
    }
}
