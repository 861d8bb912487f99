using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text.Json;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Seccomp;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Seccomp;

/// <summary>A profile compiled to BPF.</summary>
/// <param name="Instructions">struct sock_filter, eight bytes each.</param>
/// <param name="Flags">SECCOMP_FILTER_FLAG_* for seccomp(2).</param>
internal sealed record SeccompFilter(byte[] Instructions, uint Flags)
{
    private const int MostKept = 64, MostInstructions = 4096; // BPF_MAXINSNS
    private const int SCMP_FLTATR_CTL_OPTIMIZE = 8, BinaryTree = 2;
    // By content, not by its hash: profiles are few, and a hash would load OpenSSL into each shim, 2 MB.
    private static readonly ConcurrentDictionary<string, SeccompFilter> Compiled = new();

    /// <summary>Whether the kernel returns a listener descriptor.</summary>
    public bool Listens => (Flags & SeccompWords.NewListener) != 0;

    /// <summary>Compiles a validated profile, or takes it from the cache.</summary>
    /// <exception cref="InvalidSpecException">libseccomp is not installed, or refuses the profile.</exception>
    public static SeccompFilter Compile(SeccompSpec profile)
    {
        var key = JsonSerializer.Serialize(profile, SpecJson.Of<SeccompSpec>());
        if (Compiled.TryGetValue(key, out var known)) return known;
        try
        {
            var filter = new SeccompFilter(Translate(profile), FlagsOf(profile));
            if (Compiled.Count >= MostKept) Compiled.Clear();
            return Compiled[key] = filter;
        }
        catch (DllNotFoundException e)
        {
            throw new InvalidSpecException(
                "linux.seccomp", "needs the library libseccomp.so.2: install the package libseccomp2, or choose no profile "
                + "(--security-opt seccomp=unconfined)", e);
        }
    }

    private static uint FlagsOf(SeccompSpec profile)
    {
        // Unless the profile has the flag, speculation is not mitigated, as with runc: it is expensive and seccomp sandboxes
        // rarely need it.
        var flags = profile.Flags is null
            ? SeccompWords.SpecAllow : profile.Flags.Aggregate(0u, (all, f) => all | SeccompWords.Flags[f]);
        if (!string.IsNullOrEmpty(profile.ListenerPath)) return flags | SeccompWords.NewListener;
        return flags & ~SeccompWords.WaitKillable; // valid only with a listener, else the kernel refuses it
    }

    private static byte[] Translate(SeccompSpec profile)
    {
        var defaultAction = ActionOf(profile.DefaultAction, profile.DefaultErrnoRet);
        var context = LibSeccomp.seccomp_init(defaultAction);
        if (context == 0) throw new InvalidSpecException(
            "linux.seccomp.defaultAction", $"libseccomp does not know {profile.DefaultAction}");
        try
        {
            var architectures = new HashSet<uint> { LibSeccomp.seccomp_arch_native() };
            foreach (var name in profile.Architectures)
            {
                var arch = LibSeccomp.seccomp_arch_resolve_name(name["SCMP_ARCH_".Length..].ToLowerInvariant());
                if (arch != 0 && architectures.Add(arch)) Check(LibSeccomp.seccomp_arch_add(context, arch), "architectures");
            }
            // libseccomp 2.5; with older ones the filter is linear
            _ = LibSeccomp.seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, BinaryTree);
            for (var i = 0; i < profile.Syscalls.Count; i++)
                AddRule(context, profile.Syscalls[i], defaultAction, $"syscalls[{i}]");
            using var file = Memfd.Create("seccomp");
            Check(LibSeccomp.seccomp_export_bpf(context, file.Number), "syscalls");
            using var read = Fd.Open($"/proc/self/fd/{file.Number}", OpenFlags.O_RDONLY);
            var program = ReadAll(read);
            var whole = UnknownCalls.Answer(program, profile, defaultAction, architectures);
            if (whole.Length / 8 > MostInstructions)
                throw new InvalidSpecException(
                    "linux.seccomp.syscalls", $"{whole.Length / 8} BPF instructions; the kernel takes {MostInstructions}");
            return whole;
        }
        finally
        {
            LibSeccomp.seccomp_release(context);
        }
    }

    private static unsafe void AddRule(nint context, SeccompSyscallSpec rule, uint defaultAction, string field)
    {
        var action = ActionOf(rule.Action, rule.ErrnoRet);
        if (action == defaultAction) return; // it has no effect, and libseccomp refuses it
        var comparisons = rule.Args.Select(a => new LibSeccomp.Comparison
        {
            arg = a.Index, op = SeccompWords.Comparisons[a.Op], a = a.Value, b = a.ValueTwo,
        }).ToArray();
        // One rule must not compare an argument twice: then each comparison becomes its own rule, as in runc and crun.
        var alternatives = comparisons.GroupBy(c => c.arg).Any(g => g.Count() > 1)
            ? comparisons.Select(c => (LibSeccomp.Comparison[])[c]) : [comparisons];
        foreach (var name in rule.Names)
        {
            var number = LibSeccomp.seccomp_syscall_resolve_name(name);
            if (number == -1) continue; // __NR_SCMP_ERROR: unknown on this architecture
            foreach (var all in alternatives)
                fixed (LibSeccomp.Comparison* first = all)
                    Check(LibSeccomp.seccomp_rule_add_array(context, action, number, (uint)all.Length, first),
                        $"{field}, \"{name}\"");
        }
    }

    internal static uint ActionOf(string word, uint? errno)
    {
        const uint EPERM = 1;
        var action = SeccompWords.Actions[word];
        return action is SeccompWords.Errno or SeccompWords.Trace ? action | (errno ?? EPERM) & 0xffff : action;
    }

    private static void Check(int result, string field)
    {
        if (result < 0) throw new InvalidSpecException($"linux.seccomp.{field}", $"libseccomp refuses it: {(Errno)(-result)}");
    }

    private static byte[] ReadAll(Fd file)
    {
        var bytes = new List<byte>();
        var buffer = new byte[8192];
        while (file.TryRead(buffer) is > 0 and var got) bytes.AddRange(buffer[..got]);
        return [.. bytes];
    }

    /// <summary>
    /// Calls that are newer than every one in the profile get ENOSYS instead of the default action, because programs fall back
    /// only on that. As in runc since 1.0.0-rc93.
    /// </summary>
    private static class UnknownCalls
    {
        private const ushort LoadWord = 0x20, JumpEqual = 0x15, JumpGreater = 0x25, JumpAtLeast = 0x35, Jump = 0x05,
            Return = 0x06;
        private const uint ENOSYS = 38, ArchX64 = 0xc000003e, X32Bit = 0x40000000;

        public static byte[] Answer(byte[] program, SeccompSpec profile, uint defaultAction, IEnumerable<uint> architectures)
        {
            if (defaultAction is SeccompWords.Allow or SeccompWords.Log or (SeccompWords.Errno | ENOSYS)) return program;
            var before = new List<(ushort Code, byte True, byte False, uint Value)> { (LoadWord, 0, 0, 4) }; // seccomp_data.arch
            foreach (var arch in architectures)
            {
                // x32 and similar ABIs share their machine's AUDIT_ARCH: only whole architectures can be distinguished.
                var newest = profile.Syscalls.SelectMany(s => s.Names)
                    .Select(n => LibSeccomp.seccomp_syscall_resolve_name_arch(arch, n)).DefaultIfEmpty(-1).Max();
                if (newest < 0 || (arch & X32Bit) == 0 || arch == 0x4000003e) continue;
                var x64 = arch == ArchX64;
                before.Add((JumpEqual, 0, (byte)(x64 ? 5 : 4), arch));
                before.Add((LoadWord, 0, 0, 0)); // seccomp_data.nr
                if (x64) before.Add((JumpAtLeast, 2, 0, X32Bit));
                before.Add((JumpGreater, 0, 1, (uint)newest));
                before.Add((Return, 0, 0, SeccompWords.Errno | ENOSYS));
                before.Add((Jump, 0, 0, 0)); // to the profile; its offset is set below
            }
            if (before.Count == 1) return program;
            var bytes = new byte[before.Count * 8 + program.Length];
            for (var i = 0; i < before.Count; i++)
            {
                var (code, yes, no, value) = before[i];
                var at = bytes.AsSpan(i * 8);
                BinaryPrimitives.WriteUInt16LittleEndian(at, code);
                (at[2], at[3]) = (yes, no);
                BinaryPrimitives.WriteUInt32LittleEndian(at[4..], code == Jump ? (uint)(before.Count - i - 1) : value);
            }
            program.CopyTo(bytes, before.Count * 8);
            return bytes;
        }
    }
}
