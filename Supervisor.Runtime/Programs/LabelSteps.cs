using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Rootfs;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Steps that set the security label of the next exec: AppArmor's profile, SELinux's label. In the stub, because its own exec
/// would consume them; through our own procfs, never the container's (CVE-2019-16884, CVE-2025-52881).
/// </summary>
internal sealed class LabelSteps(ProcessSpec process)
{
    /// <summary>Whether the host enforces AppArmor profiles.</summary>
    public static bool HasAppArmor { get; } = ReadFlag("/sys/module/apparmor/parameters/enabled") is 'Y';

    /// <summary>Whether the host has SELinux labels.</summary>
    public static bool HasSELinux { get; } = File.Exists("/sys/fs/selinux/enforce");

    /// <summary>
    /// Refuses a label that this host cannot set: without it the container would be less confined than requested.
    /// </summary>
    /// <exception cref="InvalidSpecException">The host does not support the label.</exception>
    public static void Check(ProcessSpec process, string prefix, string? mountLabel)
    {
        if (!string.IsNullOrEmpty(process.ApparmorProfile) && !HasAppArmor)
            throw new InvalidSpecException(prefix + "apparmorProfile", "AppArmor is not enabled on this host");
        if (!string.IsNullOrEmpty(process.SelinuxLabel) && !HasSELinux)
            throw new InvalidSpecException(prefix + "selinuxLabel", "SELinux is not enabled on this host");
        if (!string.IsNullOrEmpty(mountLabel) && !HasSELinux)
            throw new InvalidSpecException("linux.mountLabel", "SELinux is not enabled on this host");
    }

    public void Add(LaunchProgram program, IEnumerable<int> taken)
    {
        if (string.IsNullOrEmpty(process.ApparmorProfile) && string.IsNullOrEmpty(process.SelinuxLabel)) return;
        var slots = new FdSlots(taken);
        var proc = new PrivateProc(program, new DetachedMounts(program, slots));
        if (!string.IsNullOrEmpty(process.ApparmorProfile))
        {
            var profile = $"exec {process.ApparmorProfile}";
            var where = Directory.Exists("/proc/self/attr/apparmor") ? "self/attr/apparmor/exec" : "self/attr/exec"; // Linux 5.1
            proc.Write(where, profile, $"AppArmor profile {process.ApparmorProfile}");
        }
        if (!string.IsNullOrEmpty(process.SelinuxLabel))
            proc.Write("self/attr/exec", process.SelinuxLabel, $"SELinux label {process.SelinuxLabel}");
    }

    private static char? ReadFlag(string path) => File.Exists(path) ? File.ReadAllText(path).FirstOrDefault() : null;
}
