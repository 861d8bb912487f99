using Supervisor.Kernel.Files;

namespace Supervisor.Host.Daemon;

/// <summary>The daemon's id: clients derive names from it, so it stays the same across restarts.</summary>
public sealed record ServerIdentity(string Uuid, ulong PidNamespace)
{
    /// <summary>Reads <c>uuid</c> in the root directory, or writes a new one.</summary>
    /// <exception cref="DaemonStartException">It cannot be read or written, or is not a UUID.</exception>
    public static ServerIdentity Load(string root)
    {
        var path = Path.Combine(root, "uuid");
        try
        {
            if (File.Exists(path))
            {
                var text = File.ReadAllText(path).Trim();
                return Guid.TryParseExact(text, "D", out var known)
                    ? new ServerIdentity(known.ToString("D"), OwnPidNamespace())
                    : throw new DaemonStartException($"{path}: holds no UUID; remove it to get a new one");
            }
            var fresh = Guid.NewGuid().ToString("D");
            // Renamed into place: after a crash the file is old or new, never partial.
            PrivateFiles.WriteLines(path + ".new", [fresh]);
            File.Move(path + ".new", path, overwrite: true);
            return new ServerIdentity(fresh, OwnPidNamespace());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>The link reads <c>pid:[4026531836]</c>. namespaces(7).</summary>
    private static ulong OwnPidNamespace()
    {
        var link = new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";
        return ulong.TryParse(link.AsSpan(link.IndexOf('[') + 1).TrimEnd(']'), out var inode) ? inode : 0;
    }
}
