using System.Globalization;
using System.Text.Json;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Mounts;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// What the standard streams of a container's init were, as criu names them: at the restore it is given others in their
/// place. In <c>descriptors.json</c> beside the images, as runc writes it.
/// </summary>
internal static class CheckpointedStreams
{
    private const string FileName = "descriptors.json";

    /// <summary>
    /// Of a process that lives, by descriptor 0 to 2: <c>pipe:[inode]</c>, <c>file[mount:inode]</c>, or what its link says.
    /// </summary>
    public static IReadOnlyList<string> Of(int pid)
    {
        var own = MountLine.Of($"{pid}").Select(m => m.Id).ToHashSet();
        return [.. Enumerable.Range(0, 3).Select(n => Name(pid, n, own))];
    }

    public static void Write(string directory, IReadOnlyList<string> streams)
    {
        using var file = PrivateFiles.Create(Path.Join(directory, FileName));
        using var json = new Utf8JsonWriter(file);
        json.WriteStartArray();
        foreach (var stream in streams) json.WriteStringValue(stream);
        json.WriteEndArray();
    }

    /// <returns>Three; empty for those that are not known.</returns>
    public static IReadOnlyList<string> Read(string directory)
    {
        var file = Path.Join(directory, FileName);
        if (!File.Exists(file)) return ["", "", ""];
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        return [.. json.RootElement.EnumerateArray().Select(e => e.GetString() ?? "").Concat(["", "", ""]).Take(3)];
    }

    /// <summary>Whether criu must be told that it is not the container's: it is no pipe, and on a mount outside of it.</summary>
    public static bool IsExternalFile(string stream) => stream.StartsWith("file[", StringComparison.Ordinal);

    /// <summary>Whether something else can be given in its place.</summary>
    public static bool IsReplaceable(string stream) =>
        IsExternalFile(stream) || stream.StartsWith("pipe:[", StringComparison.Ordinal);

    private static string Name(int pid, int number, HashSet<int> own)
    {
        var path = $"/proc/{pid}/fd/{number}";
        var link = new FileInfo(path).LinkTarget ?? "";
        if (link.Length == 0 || !link.StartsWith('/') || link.StartsWith("/dev/pts/", StringComparison.Ordinal)) return link;
        var mount = File.ReadLines($"/proc/{pid}/fdinfo/{number}")
            .FirstOrDefault(l => l.StartsWith("mnt_id:", StringComparison.Ordinal));
        if (mount is null || !int.TryParse(mount.AsSpan("mnt_id:".Length).Trim(), CultureInfo.InvariantCulture, out var id)
            || own.Contains(id)) return link;
        using var file = Fd.Open(path, Kernel.Abi.OpenFlags.O_PATH);
        return $"file[{id:x}:{FileStatus.InodeOf(file):x}]";
    }
}
