namespace Supervisor.Shim.Oci;

/// <summary>The file from which a caller reads the pid. Written atomically.</summary>
internal static class PidFile
{
    public static void Write(string path, int pid)
    {
        path = Path.GetFullPath(path);
        var temporary = Path.Join(Path.GetDirectoryName(path), $".{Path.GetFileName(path)}");
        File.WriteAllText(temporary, $"{pid}");
        File.Move(temporary, path, overwrite: true);
    }
}
