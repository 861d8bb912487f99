using System.Runtime.InteropServices;

namespace Supervisor.Kernel.Abi;

#pragma warning disable CS1591 // The kernel's own names.
/// <summary>struct open_how, 24 bytes. openat2(2), linux/openat2.h, Linux 5.6.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct OpenHow
{
    public ulong flags, mode;
    public ResolveFlags resolve;
}
#pragma warning restore CS1591
