using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// mount(2) takes one page of options, and silently truncates what is longer. The directories of an overlay with many layers have
/// a common parent: relative to it their names are short.
/// </summary>
internal static class OverlayOptions
{
    /// <summary>Bytes of options with the terminating NUL: the smallest page size.</summary>
    public const int Page = 4096;

    private const string Lower = "lowerdir=";

    /// <summary>The options as one string.</summary>
    /// <returns>From: the directory that they are relative to; null where they are unchanged.</returns>
    /// <exception cref="InvalidSpecException">They do not fit even if relative.</exception>
    public static (string? From, string Data) Fit(IReadOnlyList<string> options)
    {
        var data = string.Join(',', options);
        if (Size(data) < Page) return (null, data);
        var directories = options.FirstOrDefault(o => o.StartsWith(Lower, StringComparison.Ordinal))?[Lower.Length..].Split(':')
            ?? [];
        var from = CommonParent(directories);
        if (from.Length > 1)
            data = string.Join(
                ',', options.Select(
                o => o.StartsWith(Lower, StringComparison.Ordinal)
                ? Lower + string.Join(':', directories.Select(d => d[(from.Length + 1)..])) : o));
        return from.Length > 1 && Size(data) < Page
            ? (from, data)
            : throw new InvalidSpecException(
                "rootfs.options", $"{Size(data)} bytes of mount options (at most {Page - 1} are possible): too many layers");
    }

    private static int Size(string text) => System.Text.Encoding.UTF8.GetByteCount(text);

    private static string CommonParent(string[] directories)
    {
        if (directories.Length == 0 || directories.Any(d => !d.StartsWith('/'))) return "";
        var common = Path.GetDirectoryName(directories[0]) ?? "";
        while (common.Length > 1 && !directories.All(d => d.StartsWith(common + "/", StringComparison.Ordinal)))
            common = Path.GetDirectoryName(common) ?? "";
        return common;
    }
}
