using System.Globalization;
using System.Text;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// What the <c>delete</c> command needs when the shim has died: the cgroup (<see cref="Bundle"/>'s record) and the init's pid,
/// for the answer alone. In containerd's bundle, which containerd removes.
/// </summary>
internal static class BundleRecord
{
    private const string PidFile = "init.pid"; // as with runc's shim

    public static void WritePid(string bundle, int pid) =>
        PrivateFiles.Write(Path.Join(bundle, PidFile), Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)));

    /// <summary>0 where there is none.</summary>
    public static int ReadPid(string bundle)
    {
        var file = new FileInfo(Path.Join(bundle, PidFile));
        return file is { Exists: true, Length: < 32 } && int.TryParse(File.ReadAllText(file.FullName), out var pid) ? pid : 0;
    }

    /// <summary>Whether a creation got so far that something may be left of it.</summary>
    public static bool Exists(string bundle) => Bundle.HasCgroupRecord(bundle);

    /// <summary>The container is deleted: nothing is left to remove.</summary>
    public static void Remove(string bundle) => Bundle.RemoveCgroupRecord(bundle);
}
