using System.Security.Cryptography;

namespace Supervisor.Storage.Content;

/// <summary>The name of a blob: an algorithm and the hash of its bytes, <c>sha256:HEX</c> or <c>sha512:HEX</c>. OCI image-spec,
/// descriptor.md.</summary>
public readonly record struct Digest
{
    private static readonly System.Buffers.SearchValues<char> Digits = System.Buffers.SearchValues.Create("0123456789abcdef");

    private Digest(HashAlgorithmName algorithm, string text) => (Algorithm, Text) = (algorithm, text);

    /// <summary>The hash function.</summary>
    public HashAlgorithmName Algorithm { get; }

    /// <summary>The digest as text.</summary>
    public string Text { get; }

    /// <summary>The hash in lower case hexadecimal.</summary>
    public string Hex => Text[(Text.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>Null if <paramref name="text"/> is not a digest, or of an algorithm that is not supported.</summary>
    public static Digest? TryParse(string text)
    {
        var (algorithm, length) = text.Split(':', 2)[0] switch
        {
            "sha256" => (HashAlgorithmName.SHA256, 64),
            "sha512" => (HashAlgorithmName.SHA512, 128),
            _ => (default, 0),
        };
        return length != 0 && text.Length == 7 + length && text.AsSpan(7).IndexOfAnyExcept(Digits) < 0
            ? new Digest(algorithm, text) : null;
    }

    /// <exception cref="StorageException">It is not a digest.</exception>
    public static Digest Parse(string text) => TryParse(text) ?? throw new StorageException(
        StorageFault.InvalidArgument,
            $"\"{text[..Math.Min(text.Length, 160)]}\" failed validation: must be sha256: or sha512: and lower-case "
                + "hexadecimal digits");

    /// <summary>Makes a digest of a computed hash.</summary>
    public static Digest Of(HashAlgorithmName algorithm, ReadOnlySpan<byte> hash) =>
        new(algorithm, (algorithm == HashAlgorithmName.SHA512 ? "sha512:" : "sha256:") + Convert.ToHexStringLower(hash));

    /// <inheritdoc/>
    public override string ToString() => Text;
}
