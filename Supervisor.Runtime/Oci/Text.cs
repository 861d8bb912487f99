namespace Supervisor.Runtime.Oci;

/// <summary>Checks that a text reaches the kernel unchanged.</summary>
internal static class Text
{
    private const int PathMax = 4096; // linux/limits.h, the NUL included

    public static void NoNul(string field, string text)
    {
        if (text.Contains('\0')) throw new InvalidSpecException(field, "contains a NUL, at which the kernel stops reading");
    }

    public static void AbsolutePath(string field, string path)
    {
        NoNul(field, path);
        if (!path.StartsWith('/')) throw new InvalidSpecException(field, $"\"{path}\" is not an absolute path");
        if (path.Length >= PathMax)
            throw new InvalidSpecException(field, $"has {path.Length} characters; the limit of a path is {PathMax - 1}");
    }

    /// <summary>A list in the format of cpuset(7): <c>0-2,7</c>.</summary>
    public static void NumberList(string field, string? list)
    {
        if (string.IsNullOrEmpty(list)) return;
        foreach (var part in list.Split(','))
        {
            var ends = part.Trim(' ').Split('-');
            if (ends.Length > 2 || !ends.All(e => e.Length is > 0 and < 6 && e.All(char.IsAsciiDigit)) ||
                ends.Length == 2 && int.Parse(ends[0]) > int.Parse(ends[1]))
                throw new InvalidSpecException(field, $"\"{list}\" is not a list like 0-2,7");
        }
    }
}
