using System.Text;

namespace Supervisor.Kernel.Mounts;

/// <summary>A line of mountinfo. proc_pid_mountinfo(5).</summary>
/// <param name="Device">Major and minor of the file system.</param>
/// <param name="Root">The directory of the file system that is mounted.</param>
/// <param name="Point">The mount point.</param>
/// <param name="Options">The super block's.</param>
public sealed record MountLine(int Id, string Device, string Root, string Point, string Type, IReadOnlyList<string> Options)
{
    /// <param name="process">A pid, or <c>self</c>.</param>
    public static IReadOnlyList<MountLine> Of(string process) => Parse(File.ReadLines($"/proc/{process}/mountinfo"));

    /// <summary>Malformed lines are left out.</summary>
    public static IReadOnlyList<MountLine> Parse(IEnumerable<string> text)
    {
        var lines = new List<MountLine>();
        foreach (var line in text)
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            if (dash < 0 || fields.Length < dash + 4 || !int.TryParse(fields[0], out var id)) continue;
            lines.Add(new MountLine(
                id, fields[2], Unescape(fields[3]), Unescape(fields[4]), fields[dash + 1],
                fields[dash + 3].Split(',')));
        }
        return lines;
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="directory"/> or below it.</summary>
    public static bool IsBelow(string path, string directory) =>
        directory == "/" || path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    // Space, tab, line break and backslash are written as three octal digits.
    internal static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                result.Append((char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | text[i + 3] - '0'));
                i += 3;
            }
            else result.Append(text[i]);
        }
        return result.ToString();
    }
}
