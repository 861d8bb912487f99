namespace Supervisor.Runtime.Oci;

/// <summary>The system calls that a container may make. seccomp(2); the names are libseccomp's.</summary>
public sealed record SeccompSpec
{
    /// <summary>For calls that no rule names, e.g. <c>SCMP_ACT_ERRNO</c>.</summary>
    public string DefaultAction { get; init => field = value ?? ""; } = "";

    /// <summary>The errno of SCMP_ACT_ERRNO, and the message of SCMP_ACT_TRACE; null for EPERM.</summary>
    public uint? DefaultErrnoRet { get; init; }

    /// <summary>In addition to the machine's own, e.g. <c>SCMP_ARCH_X86</c>.</summary>
    public IReadOnlyList<string> Architectures { get; init => field = value ?? []; } = [];

    /// <summary>E.g. <c>SECCOMP_FILTER_FLAG_LOG</c>; null for the runtime's choice, which is SPEC_ALLOW.</summary>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>A unix socket that receives the descriptor for SCMP_ACT_NOTIFY.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>Passed on to it.</summary>
    public string? ListenerMetadata { get; init; }

    /// <summary>The rules.</summary>
    public IReadOnlyList<SeccompSyscallSpec> Syscalls { get; init => field = value ?? []; } = [];
}

/// <summary>The action for some system calls.</summary>
public sealed record SeccompSyscallSpec
{
    /// <summary>Their names; names that this machine or library does not know are skipped.</summary>
    public IReadOnlyList<string> Names { get; init => field = value ?? []; } = [];

    /// <summary>E.g. <c>SCMP_ACT_ALLOW</c>.</summary>
    public string Action { get; init => field = value ?? ""; } = "";

    /// <summary>As <see cref="SeccompSpec.DefaultErrnoRet"/>.</summary>
    public uint? ErrnoRet { get; init; }

    /// <summary>All must match; but if one argument is given twice, any of them.</summary>
    public IReadOnlyList<SeccompArgumentSpec> Args { get; init => field = value ?? []; } = [];
}

/// <summary>A comparison of one argument.</summary>
public sealed record SeccompArgumentSpec
{
    /// <summary>0 to 5.</summary>
    public uint Index { get; init; }

    /// <summary>The operand; the mask of SCMP_CMP_MASKED_EQ.</summary>
    public ulong Value { get; init; }

    /// <summary>The expected masked value.</summary>
    public ulong ValueTwo { get; init; }

    /// <summary>E.g. <c>SCMP_CMP_EQ</c>.</summary>
    public string Op { get; init => field = value ?? ""; } = "";
}
