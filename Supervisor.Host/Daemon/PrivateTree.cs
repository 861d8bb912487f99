using System.Text.RegularExpressions;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Host.Daemon;

/// <summary>
/// Narrows once what earlier versions created wider than 0700 and 0600 below a directory that is now private to the daemon; a
/// file marks it as done. Symbolic links are not followed, and the root file systems of containers are not changed: their users
/// must be able to enter them.
/// </summary>
internal static partial class PrivateTree
{
    private const string Done = "narrowed";
    private const uint Owner = 0x1c0, Others = 0x3f, Deepest = 64;

    /// <summary>Root file systems below a root directory.</summary>
    public static Regex OfRoot => OfSnapshots();

    /// <summary>Root file systems below a state directory, and the state directories of other daemons.</summary>
    public static Regex OfState => OfBundles();

    /// <param name="spared">What is not changed, by its path below the directory.</param>
    /// <exception cref="DaemonStartException">Something cannot be narrowed.</exception>
    public static void Narrow(string path, Regex spared)
    {
        var done = Path.Join(path, Done);
        if (File.Exists(done)) return;
        try
        {
            using var directory = Fd.Open(path, Kernel.Abi.OpenFlags.O_DIRECTORY | Kernel.Abi.OpenFlags.O_NOFOLLOW);
            Narrow(directory, "", spared, 0);
            PrivateFiles.Write(done, []);
        }
        catch (IOException e)
        {
            throw new DaemonStartException(
                $"{path}: cannot remove the permissions of other users in it: {e.Message}", e);
        }
    }

    private static void Narrow(Fd directory, string above, Regex spared, int depth)
    {
        if (depth > Deepest) throw new IOException($"{above}: is more than {Deepest} directories deep");
        foreach (var name in FileCalls.List(directory))
        {
            var path = above + name;
            if (spared.IsMatch(path)
                || FileCalls.TryStatus(directory, name) is not {
                Kind: NodeKind.Directory or NodeKind.File or NodeKind.Fifo or NodeKind.Socket } status) continue;
            if ((status.Mode & Others) != 0) FileCalls.ChangeMode(directory, name, status.Mode & Owner);
            if (!status.IsDirectory) continue;
            using var below = FileCalls.TryOpenDirectory(directory, name);
            if (below is not null) Narrow(below, path + "/", spared, depth + 1);
        }
    }

    [GeneratedRegex(@"^snapshots/(overlayfs/(snapshots|trash)/[^/]+/(fs|work)|native/(snapshots|trash)/[^/]+)$")]
    private static partial Regex OfSnapshots();

    [GeneratedRegex(@"^(bundles/[^/]+/[^/]+/rootfs|embedded|roots)$")]
    private static partial Regex OfBundles();
}
