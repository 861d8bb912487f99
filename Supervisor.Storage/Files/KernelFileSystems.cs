using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Files;

/// <summary>File systems whose files are the kernel's own: reading them is a question, and writing them an order.</summary>
internal static unsafe class KernelFileSystems
{
    // linux/magic.h, and the file systems' own sources.
    private static readonly Dictionary<uint, string> ByMagic = new()
    {
        [0x9fa0] = "proc", [0x62656572] = "sysfs", [0x27e0eb] = "cgroup", [0x63677270] = "cgroup2", [0x1cd1] = "devpts",
        [0x19800202] = "mqueue", [0x64626720] = "debugfs", [0x74726163] = "tracefs", [0x73636673] = "securityfs",
        [0xcafe4a11] = "bpf", [0x6165676c] = "pstore", [0xde5e81e4] = "efivarfs", [0x62656570] = "configfs",
        [0x42494e4d] = "binfmt_misc", [0xf97cff8c] = "selinuxfs", [0x65735543] = "fusectl", [0x67596969] = "rpc_pipefs",
    };

    /// <summary>The name of the file system that an open directory belongs to; null for one with files of users.
    /// statfs(2).</summary>
    public static string? Of(Fd directory)
    {
        var status = stackalloc long[32]; // struct statfs has 120 bytes, and begins with f_type
        return (int)syscall(Syscall.fstatfs, directory.Number, status) == 0
            ? ByMagic.GetValueOrDefault((uint)status[0]) : throw new SyscallException("fstatfs", Errno.Last);
    }
}
