using System.Runtime.InteropServices;

namespace Supervisor.Kernel.Seccomp;

/// <summary>
/// libseccomp.so.2, loaded when the first profile needs it. seccomp_init(3) and its neighbours; version 2.4 and later.
/// </summary>
internal static unsafe partial class LibSeccomp
{
    private const string Library = "libseccomp.so.2";

    /// <summary>struct scmp_arg_cmp.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Comparison
    {
        public uint arg;
        public int op;
        public ulong a, b;
    }

    [LibraryImport(Library)]
    public static partial nint seccomp_init(uint action);

    [LibraryImport(Library)]
    public static partial void seccomp_release(nint context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint seccomp_arch_resolve_name(string name);

    [LibraryImport(Library)]
    public static partial uint seccomp_arch_native();

    [LibraryImport(Library)]
    public static partial int seccomp_arch_add(nint context, uint arch);

    [LibraryImport(Library)]
    public static partial int seccomp_attr_set(nint context, int attribute, uint value);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int seccomp_syscall_resolve_name(string name);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int seccomp_syscall_resolve_name_arch(uint arch, string name);

    [LibraryImport(Library)]
    public static partial int seccomp_rule_add_array(nint context, uint action, int syscall, uint count, Comparison* comparisons);

    [LibraryImport(Library)]
    public static partial int seccomp_export_bpf(nint context, int fd);
}
