namespace Supervisor.Host.Hosting;

/// <summary>Directories of ours: nobody else may look into them.</summary>
internal static class PrivateDirectory
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// Makes the directory 0700; one that is there stays as it is, unless others may write in it: then it is refused.
    /// Missing ones above it are made 0755, or as the umask has it.
    /// </summary>
    /// <exception cref="DaemonStartException">It cannot be made, or others may write in it.</exception>
    public static void Ensure(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                if ((File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
                    throw new DaemonStartException($"{path}: others may write in it, which would let them replace what is ours: chmod go-w {path}");
                return;
            }
            Directory.CreateDirectory(path, Owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException($"{path}: cannot be made: {e.Message}", e);
        }
    }
}
