using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Supervisor.Registry.References;

/// <summary>Digests as text: <c>sha256:HEX</c> or <c>sha512:HEX</c>. OCI image-spec, descriptor.md.</summary>
internal static partial class DigestText
{
    internal static bool IsValid(string text) => Form().IsMatch(text);

    internal static HashAlgorithmName Algorithm(string digest) =>
        digest.StartsWith("sha512:", StringComparison.Ordinal) ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;

    /// <summary>The digest of bytes, by the algorithm of another digest.</summary>
    internal static string Of(ReadOnlySpan<byte> bytes, string like) => Algorithm(like) == HashAlgorithmName.SHA512
        ? "sha512:" + Convert.ToHexStringLower(SHA512.HashData(bytes))
            : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    [GeneratedRegex("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\\z")]
    private static partial Regex Form();
}
