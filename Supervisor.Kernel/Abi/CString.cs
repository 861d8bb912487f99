using System.Text;

namespace Supervisor.Kernel.Abi;

/// <summary>A C string: UTF-8 with a terminating NUL.</summary>
public static class CString
{
    /// <summary>For a <c>fixed</c> statement around the call.</summary>
    public static byte[] Of(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
