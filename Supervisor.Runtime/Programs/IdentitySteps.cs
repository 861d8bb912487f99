using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Steps that drop what the process must not have: capabilities, ids, signals. In the init's own memory only.
/// </summary>
/// <remarks>
/// A child's setuid would change the parent's dumpable flag too while they share memory, so these run in the stub.
/// Inheritable capabilities are set as the spec says and are empty by default (CVE-2022-24769).
/// </remarks>
internal static class IdentitySteps
{
    private const int PR_SET_DUMPABLE = 4, PR_SET_KEEPCAPS = 8, PR_CAPBSET_DROP = 24, PR_SET_NO_NEW_PRIVS = 38,
        PR_CAP_AMBIENT = 47;
    private const int PR_GET_SECUREBITS = 27, SECBIT_NOROOT = 1, SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6;
    private const int PR_CAP_AMBIENT_RAISE = 2, PR_CAP_AMBIENT_CLEAR_ALL = 4;

    private static readonly int LastCapability = int.Parse(KernelFile.Read("/proc/sys/kernel/cap_last_cap"));

    private static int Securebits => Native.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

    /// <summary>
    /// Keeps other processes in the container from opening /proc/PID/{mem,maps,exe} of the init before its exec. prctl(2).
    /// </summary>
    public static void HideMemory(LaunchProgram program) => program.Add(Syscall.prctl, "PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);

    /// <summary>
    /// Keeps every capability across an exec by a user other than root, as ambient ones: for a user namespace without a root. The
    /// exec is that of the stub, whose steps drop them like root's. capabilities(7).
    /// </summary>
    public static void KeepCapabilities(LaunchProgram program)
    {
        var all = LastCapability >= 63 ? ulong.MaxValue : (1UL << LastCapability + 1) - 1;
        program.Add(Syscall.capset, "all", program.Values<uint>([0x20080522, 0]), program.Values<uint>(
            [(uint)all, (uint)all, (uint)all, (uint)(all >> 32), (uint)(all >> 32), (uint)(all >> 32)]));
        for (var c = 0; c <= LastCapability; c++)
            program.Add(Syscall.prctl, $"PR_CAP_AMBIENT_RAISE {c}", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
    }

    /// <summary>The bounding set and the resource limits: setting them needs rights that <see cref="Change"/> drops.</summary>
    public static void LimitRights(LaunchProgram program, ProcessSpec process)
    {
        var capabilities = process.Capabilities ?? new CapabilitiesSpec();
        var bounding = Capability.Mask(capabilities.Bounding);
        for (var c = 0; c <= LastCapability; c++)
            if ((bounding >> c & 1) == 0) program.Add(Syscall.prctl, $"PR_CAPBSET_DROP {c}", PR_CAPBSET_DROP, c);

        foreach (var limit in process.Rlimits)
            program.Add(Syscall.prlimit64, limit.Type, 0, Rlimit.TryNumber(limit.Type)!.Value,
                program.Values<ulong>([limit.Soft, limit.Hard]), 0);
    }

    /// <summary>Switches to the process's user, with its capabilities and no more.</summary>
    /// <param name="maySetGroups">False in a user namespace that forbids setgroups(2).</param>
    public static void Change(LaunchProgram program, ProcessSpec process, bool maySetGroups)
    {
        var user = process.User;
        var groups = user.AdditionalGids.Distinct().ToArray();
        program.Add(Syscall.prctl, "PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1);
        if (maySetGroups || groups.Length > 0)
            program.Add(Syscall.setgroups, string.Join(' ', groups), groups.Length, groups.Length == 0
            ? 0 : program.Values<uint>(groups));
        program.Add(Syscall.setresgid, $"{user.Gid}", user.Gid, user.Gid, user.Gid);
        program.Add(Syscall.setresuid, $"{user.Uid}", user.Uid, user.Uid, user.Uid);
        program.Add(Syscall.prctl, "PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 0);
        HideMemory(program); // setresuid(2) may have set the flag again
        SetCapabilities(program, process.Capabilities ?? new CapabilitiesSpec());
        if (process.NoNewPrivileges) program.Add(Syscall.prctl, "PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }

    /// <summary>capset(2), version 3: effective, permitted and inheritable in two halves of 32 bits.</summary>
    private static void Capset(LaunchProgram program, CapabilitiesSpec capabilities)
    {
        var known = LastCapability >= 63 ? ulong.MaxValue : (1UL << LastCapability + 1) - 1; // older kernels have fewer
        ulong effective = Capability.Mask(capabilities.Effective) & known,
        permitted = Capability.Mask(capabilities.Permitted) & known,
            inheritable = Capability.Mask(capabilities.Inheritable) & known;
        var header = program.Values<uint>([0x20080522, 0]);
        var sets = program.Values<uint>(
            [(uint)effective, (uint)permitted, (uint)inheritable, (uint)(effective >> 32), (uint)(permitted >> 32),
                (uint)(inheritable >> 32)]);
        program.Add(Syscall.capset, string.Join(' ', capabilities.Effective), header, sets);
    }

    private static void SetCapabilities(LaunchProgram program, CapabilitiesSpec capabilities)
    {
        Capset(program, capabilities);
        program.Add(Syscall.prctl, "PR_CAP_AMBIENT_CLEAR_ALL", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        foreach (var name in capabilities.Ambient.Where(
            n => Capability.TryNumber(n) <= LastCapability && Capability.CanBeAmbient(capabilities, n)))
            // see RefusedAmbient
            program.Add(Syscall.prctl, $"PR_CAP_AMBIENT_RAISE {name}", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
                Capability.TryNumber(name)!.Value, 0, 0).IgnoringErrors();
    }

    /// <summary>
    /// Drops the capabilities that an exec of the program takes from a user other than root, all but the ambient ones: for a
    /// process that keeps the program's identity without executing it. capabilities(7), "Transformation of capabilities during
    /// execve()".
    /// </summary>
    public static void DropAsAtExec(LaunchProgram program, ProcessSpec process)
    {
        if (process.User.Uid == 0 && (Securebits & SECBIT_NOROOT) == 0) return;
        var sets = process.Capabilities ?? new CapabilitiesSpec();
        var refused = RefusedAmbient(process).Select(r => r.Field).ToHashSet();
        string[] kept = [.. sets.Ambient.Where(
            (name, i) => Capability.CanBeAmbient(sets, name) && !refused.Contains($"process.capabilities.ambient[{i}]"))];
        Capset(program, sets with { Effective = kept, Permitted = kept });
    }

    /// <summary>
    /// Ambient capabilities that the kernel will not raise although they are permitted and inheritable: a warning, as in runc.
    /// </summary>
    public static IEnumerable<UnsupportedField> RefusedAmbient(ProcessSpec process)
    {
        if (process.Capabilities is not { Ambient.Count: > 0 } sets) return [];
        var forbidden = (Securebits & SECBIT_NO_CAP_AMBIENT_RAISE) != 0;
        return sets.Ambient.Select((name, i) => (name, i))
            .Where(a => Capability.CanBeAmbient(sets, a.name) && (forbidden || Capability.TryNumber(a.name) > LastCapability))
            .Select(a => new UnsupportedField($"process.capabilities.ambient[{a.i}]", forbidden
                ? $"{a.name} is not raised: this process's securebits forbid ambient capabilities (SECBIT_NO_CAP_AMBIENT_RAISE)"
                : $"{a.name} is not raised: this kernel does not know it"));
    }
}
