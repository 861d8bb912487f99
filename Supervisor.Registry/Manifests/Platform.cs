using System.Runtime.InteropServices;
using System.Text.Json;

namespace Supervisor.Registry.Manifests;

/// <summary>What an image runs on. The words are Go's, as in OCI image-spec, image-index.md.</summary>
/// <param name="Os"><c>linux</c>.</param>
/// <param name="Architecture"><c>amd64</c>, <c>arm64</c>, <c>arm</c>…</param>
/// <param name="Variant"><c>v7</c> of arm, <c>v8</c> of arm64; empty elsewhere.</param>
public sealed record Platform(string Os, string Architecture, string Variant)
{
    /// <summary>Of this machine.</summary>
    public static Platform Host { get; } = RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => new("linux", "amd64", ""),
        System.Runtime.InteropServices.Architecture.X86 => new("linux", "386", ""),
        System.Runtime.InteropServices.Architecture.Arm64 => new("linux", "arm64", "v8"),
        System.Runtime.InteropServices.Architecture.Arm => new("linux", "arm", "v7"),
        var other => new("linux", other.ToString().ToLowerInvariant(), ""),
    };

    /// <summary>Reads OS/ARCHITECTURE[/VARIANT], or one word that is an architecture or <c>linux</c>.</summary>
    /// <exception cref="RegistryException">It has another form.</exception>
    public static Platform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split('/');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0
            || !p.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')))
            throw new RegistryException(
                RegistryFault.InvalidArgument,
                    $"\"{Json.Short(text)}\" is not a platform: write linux/amd64, linux/arm64 or linux/arm/v7");
        return parts switch
        {
            ["linux"] => Host,
            [var architecture] => Normal("linux", architecture, ""),
            [var os, var architecture] => Normal(os, architecture, ""),
            _ => Normal(parts[0], parts[1], parts[2]),
        };
    }

    /// <summary>How well an image of <paramref name="offered"/> runs here: 0 not at all, else the higher the better.</summary>
    public int Score(Platform offered)
    {
        ArgumentNullException.ThrowIfNull(offered);
        if (offered.Os != Os) return 0;
        if (offered.Architecture == Architecture)
            return offered.Variant == Variant ? 100
                : Architecture is "arm" && Level(offered.Variant) is var level && level <= Level(Variant) ? 50 + level
                // x86-64-v2 and later are variants of amd64 that this machine may not have.
                : offered.Variant.Length == 0 ? 40 : 0;
        return Architecture is "amd64" && offered.Architecture is "386" ? 2
            : Architecture is "arm64" && offered.Architecture is "arm" && Level(offered.Variant) is var old && old <= 8 ? 2 + old
                : 0;
    }

    internal static Platform Read(JsonElement json) => Normal(
        Json.TextOrEmpty(json, "os"), Json.TextOrEmpty(json, "architecture"), Json.TextOrEmpty(json, "variant"));

    /// <inheritdoc/>
    public override string ToString() => $"{Os}/{Architecture}{(Variant.Length > 0 && !Implied(this) ? $"/{Variant}" : "")}";

    private static bool Implied(Platform p) => p is { Architecture: "arm64", Variant: "v8" };

    private static Platform Normal(string os, string architecture, string variant) => architecture.ToLowerInvariant() switch
    {
        "x86_64" or "x86-64" or "amd64" => new(os, "amd64", variant is "v1" ? "" : variant),
        "aarch64" or "arm64" => new(os, "arm64", variant is "" or "8" ? "v8" : variant),
        "armhf" => new(os, "arm", "v7"),
        "armel" => new(os, "arm", "v6"),
        "arm" => new(os, "arm", variant is "" ? "v7" : variant is "5" or "6" or "7" or "8" ? $"v{variant}" : variant),
        "i386" or "386" => new(os, "386", ""),
        var other => new(os, other, variant),
    };

    private static int Level(string variant) =>
        variant.StartsWith('v') && int.TryParse(variant.AsSpan(1), out var level) ? level : 99;
}
