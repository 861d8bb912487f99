using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Resources;

/// <summary>Attaches a <see cref="DeviceProgram"/> to a cgroup. bpf(2): BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_PROG_QUERY.</summary>
internal static unsafe class DeviceFilter
{
    private const int BPF_PROG_LOAD = 5, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_PROG_GET_FD_BY_ID = 13,
        BPF_PROG_QUERY = 16;
    private const uint BPF_PROG_TYPE_CGROUP_DEVICE = 15, BPF_CGROUP_DEVICE = 6, BPF_F_ALLOW_MULTI = 2, BPF_F_REPLACE = 4;
    private const int MostAttached = 64, MostAttempts = 20;

    /// <summary>Attaches the rules, in place of those that are attached.</summary>
    /// <exception cref="CgroupException">The kernel refused.</exception>
    public static void Set(string directory, IReadOnlyList<DeviceRuleSpec> rules)
    {
        using var cgroup = Fd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        using var program = Load(DeviceProgram.Assemble(rules), directory);
        var attached = Attached(cgroup, directory);
        using var replaced = attached is [var only] ? Open(only) : null;
        var attach = new Attachment
        {
            target = (uint)cgroup.Number, program = (uint)program.Number, type = BPF_CGROUP_DEVICE,
            flags = BPF_F_ALLOW_MULTI | (replaced is null ? 0 : BPF_F_REPLACE), replaced = (uint)(replaced?.Number ?? 0),
        };
        if ((int)syscall(Syscall.bpf, BPF_PROG_ATTACH, &attach, sizeof(Attachment)) != 0)
            throw Refused(directory, "attach the device rules");
        if (replaced is not null) return;
        foreach (var id in attached)
        {
            // Several programs of others: all must allow an access, so they are detached for ours to be the only rules.
            using var old = Open(id);
            if (old is null) continue;
            var detach = new Attachment { target = (uint)cgroup.Number, program = (uint)old.Number, type = BPF_CGROUP_DEVICE };
            if ((int)syscall(Syscall.bpf, BPF_PROG_DETACH, &detach, sizeof(Attachment)) != 0)
                throw Refused(directory, "detach older device rules");
        }
    }

    /// <summary>How many programs of this type are attached.</summary>
    public static int Count(string directory)
    {
        using var cgroup = Fd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        return Attached(cgroup, directory).Length;
    }

    private static Fd Load(byte[] instructions, string directory)
    {
        fixed (byte* code = instructions)
        fixed (byte* license = "Apache"u8)
        {
            var load = new Loading
            {
                type = BPF_PROG_TYPE_CGROUP_DEVICE, count = (uint)instructions.Length / 8, instructions = (ulong)code,
                license = (ulong)license,
            };
            // The verifier stops with EAGAIN if a signal is pending, and .NET sends its threads many: retried, as in libbpf.
            for (var attempt = 1; ; attempt++)
            {
                var fd = (int)syscall(Syscall.bpf, BPF_PROG_LOAD, &load, sizeof(Loading));
                if (fd >= 0) return new Fd(fd);
                if (Errno.Last is not Errno.EAGAIN || attempt == MostAttempts) throw Refused(directory, "load the device rules");
            }
        }
    }

    private static uint[] Attached(Fd cgroup, string directory)
    {
        var ids = stackalloc uint[MostAttached];
        var query = new Query { target = (uint)cgroup.Number, type = BPF_CGROUP_DEVICE, ids = (ulong)ids, count = MostAttached };
        if ((int)syscall(Syscall.bpf, BPF_PROG_QUERY, &query, sizeof(Query)) != 0)
            throw Refused(directory, "query the device rules");
        return new Span<uint>(ids, (int)query.count).ToArray();
    }

    private static Fd? Open(uint id)
    {
        var byId = stackalloc uint[3];
        (byId[0], byId[1], byId[2]) = (id, 0, 0);
        var fd = (int)syscall(Syscall.bpf, BPF_PROG_GET_FD_BY_ID, byId, 12);
        return fd >= 0 ? new Fd(fd) : null;
    }

    private static CgroupException Refused(string directory, string what) =>
        new(directory, null, Errno.Last, Errno.Last is Errno.EPERM ? $"{what}: needs CAP_BPF or CAP_SYS_ADMIN" : what);

    [StructLayout(LayoutKind.Sequential)]
    private struct Loading
    {
        public uint type, count;
        public ulong instructions, license;
        public uint logLevel, logSize;
        public ulong log;
        public uint version, flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Attachment
    {
        public uint target, program, type, flags, replaced;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Query
    {
        public uint target, type, flags, attachFlags;
        public ulong ids;
        public uint count, padding;
    }
}
