using Supervisor.Kernel.Cgroups;

namespace Supervisor.Kernel.Checkpointing;

/// <summary>A line of mountinfo. proc_pid_mountinfo(5).</summary>
/// <param name="Device">Major and minor of the file system.</param>
/// <param name="Root">What of the file system is mounted.</param>
/// <param name="Point">Where.</param>
/// <param name="Options">Of the file system.</param>
internal sealed record MountLine(int Id, string Device, string Root, string Point, string Type, IReadOnlyList<string> Options)
{
    public static IReadOnlyList<MountLine> Of(string process) => Parse(File.ReadLines($"/proc/{process}/mountinfo"));

    /// <summary>What is no such line is left out.</summary>
    public static IReadOnlyList<MountLine> Parse(IEnumerable<string> text)
    {
        var lines = new List<MountLine>();
        foreach (var line in text)
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            if (dash < 0 || fields.Length < dash + 4 || !int.TryParse(fields[0], out var id)) continue;
            lines.Add(new MountLine(
                id, fields[2], CgroupHierarchies.Unescape(fields[3]), CgroupHierarchies.Unescape(fields[4]), fields[dash + 1],
                fields[dash + 3].Split(',')));
        }
        return lines;
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="directory"/> or below it.</summary>
    public static bool IsBelow(string path, string directory) =>
        directory == "/" || path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
