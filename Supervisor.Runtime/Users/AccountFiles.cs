using System.Globalization;

namespace Supervisor.Runtime.Users;

/// <summary>One line of passwd(5).</summary>
internal readonly record struct PasswdEntry(string Name, uint Uid, uint Gid);

/// <summary>One line of group(5).</summary>
internal readonly record struct GroupEntry(string Name, uint Gid, IReadOnlyList<string> Members);

/// <summary>
/// The account files of a root filesystem. Pure; a line that is malformed counts as absent, as for the C library.
/// </summary>
internal static class AccountFiles
{
    /// <summary>Ids run to 2^32-2: 2^32-1 means "no change" to the kernel.</summary>
    public const uint LargestId = uint.MaxValue - 1;

    public static IEnumerable<PasswdEntry> Passwd(string text)
    {
        foreach (var fields in Lines(text, atLeast: 4))
        {
            if (TryId(fields[2]) is { } uid && TryId(fields[3]) is { } gid) yield return new PasswdEntry(fields[0], uid, gid);
        }
    }

    public static IEnumerable<GroupEntry> Group(string text)
    {
        foreach (var fields in Lines(text, atLeast: 3))
        {
            if (TryId(fields[2]) is not { } gid) continue;
            var members = fields.Length > 3
                ? fields[3].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
            yield return new GroupEntry(fields[0], gid, members);
        }
    }

    /// <summary>A decimal id without sign, space or leading zero; null for anything else.</summary>
    public static uint? TryId(string text) =>
        text.Length is > 0 and <= 10 && (text.Length == 1 || text[0] != '0')
        && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id <= LargestId ? id : null;

    private static IEnumerable<string[]> Lines(string text, int atLeast) =>
        from line in text.Split('\n')
        let fields = line.TrimEnd('\r').Split(':')
        where fields.Length >= atLeast && fields[0].Length > 0 && fields[0][0] != '#'
        select fields;
}
