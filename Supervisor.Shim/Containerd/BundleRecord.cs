using System.Globalization;
using System.Text;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// The init's pid, which the <c>delete</c> command answers when the shim has died. In containerd's bundle, which containerd
/// removes, beside the record of the cgroup (<see cref="Bundle"/>).
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
}
