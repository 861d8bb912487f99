using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// Whether v1's freezer is to stop a cgroup, by its own order or by one above: two flags, open. A read of
/// <c>freezer.state</c> would also visit each cgroup below. Linux, cgroup-v1/freezer-subsystem.rst.
/// </summary>
internal sealed class Freezing : IDisposable
{
    private readonly Fd _own, _above;

    private Freezing(Fd own, Fd above) => (_own, _above) = (own, above);

    /// <returns>Null for the root of the hierarchy, which cannot be frozen.</returns>
    public static Freezing? TryOpen(Fd directory)
    {
        const OpenFlags flags = OpenFlags.O_RDONLY;
        if (CgroupFile.TryOpen(directory, "freezer.self_freezing", flags, out var own) is not Errno.None) return null;
        if (CgroupFile.TryOpen(directory, "freezer.parent_freezing", flags, out var above) is Errno.None)
            return new Freezing(own!, above!);
        own!.Dispose();
        return null;
    }

    /// <param name="path">The cgroup's, for the error.</param>
    /// <exception cref="SyscallException">It has been removed.</exception>
    public bool IsOrdered(string path) =>
        KernelFile.ReadValueAgain(_own, path) is not "0" || KernelFile.ReadValueAgain(_above, path) is not "0";

    public void Dispose()
    {
        _own.Dispose();
        _above.Dispose();
    }
}
