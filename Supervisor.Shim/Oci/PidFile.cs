namespace Supervisor.Shim.Oci;

/// <summary>The file that tells a caller the pid. It is there whole, or not at all.</summary>
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
