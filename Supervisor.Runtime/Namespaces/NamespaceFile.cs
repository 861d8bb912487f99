using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Namespaces;

/// <summary>Files of namespaces. ioctl_nsfs(2), Linux 4.11.</summary>
internal static class NamespaceFile
{
    private const int NS_GET_NSTYPE = 0xb703;

    /// <summary>Its kind; null for a file that is not a namespace.</summary>
    public static CloneFlags? KindOf(Fd fd) => ioctl(fd.Number, NS_GET_NSTYPE) is > 0 and var kind ? (CloneFlags)kind : null;

    /// <summary>Whether it is the one that we are in.</summary>
    public static bool IsOurs(Fd fd, string type)
    {
        var name = type switch { NamespaceKind.Network => "net", NamespaceKind.Mount => "mnt", _ => type };
        using var ours = Fd.TryOpen($"/proc/self/ns/{name}", OpenFlags.O_RDONLY);
        return ours is not null && FileStatus.SameFile(ours, fd);
    }

    /// <summary>The inode of a process's namespace, where it is not ours; else null.</summary>
    /// <param name="name">As in /proc, e.g. <c>net</c>.</param>
    public static ulong? ForeignInode(int pid, string name)
    {
        var (theirs, ours) =
            (new FileInfo($"/proc/{pid}/ns/{name}").LinkTarget, new FileInfo($"/proc/self/ns/{name}").LinkTarget);
        return theirs is null || theirs == ours ? null : ulong.Parse(theirs.AsSpan(name.Length + 2).TrimEnd(']'));
    }
}
