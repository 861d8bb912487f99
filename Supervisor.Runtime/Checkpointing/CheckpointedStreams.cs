using System.Globalization;
using System.Text.Json;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Mounts;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// The standard streams of a checkpointed init, as criu names them: a restore replaces them. They are in
/// <c>descriptors.json</c> beside the images, as with runc.
/// </summary>
internal static class CheckpointedStreams
{
    private const string FileName = "descriptors.json";

    /// <summary>
    /// Those of a live process, descriptors 0 to 2: <c>pipe:[inode]</c>, <c>file[mount:inode]</c>, or the link's target.
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

    /// <summary>Whether it must be declared external to criu: a file, not a pipe, on a mount outside of the container.</summary>
    public static bool IsExternalFile(string stream) => stream.StartsWith("file[", StringComparison.Ordinal);

    /// <summary>Whether a restore can replace it.</summary>
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
