using System.Security.Cryptography;

namespace Supervisor.Runtime.ShimClient;

/// <summary>The ids of execs that clients of a Shim service start, which name none themselves. Reserved for them.</summary>
public static class ServiceExecs
{
    private const string Prefix = "shim-";
    private const int RandomBytes = 8;

    /// <summary>An id that no exec has.</summary>
    public static string NewId() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>Whether an exec's id is one of these.</summary>
    public static bool IsId(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return id.Length == Prefix.Length + 2 * RandomBytes && id.StartsWith(Prefix, StringComparison.Ordinal)
            && id[Prefix.Length..].All(char.IsAsciiHexDigitLower);
    }
}
