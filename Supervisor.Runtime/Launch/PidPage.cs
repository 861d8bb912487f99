using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// A page shared with a first child in the stub: the kernel stores the pid of the second child there (CLONE_PARENT_SETTID)
/// before that runs. So we know the pid whatever happens to either, and no process in the container can have written it: the
/// second child has no such page (MADV_DONTFORK), and the first is in no pid namespace of a container.
/// </summary>
internal sealed unsafe partial class PidPage : IDisposable
{
    /// <summary>Its address in the stub: below all of the stub's own memory.</summary>
    public const ulong Address = 0x0800_0000;

    private const int Size = 4096, PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_FIXED = 0x10, MADV_DONTFORK = 10;
    private readonly int* _page;

    /// <summary>memfd_create(2) and mmap(2).</summary>
    public PidPage()
    {
        File = Memfd.Create("pid");
        void* page;
        if (ftruncate(File.Number, Size) == 0 && (page = mmap(null, Size, PROT_READ, MAP_SHARED, File.Number, 0)) != (void*)-1)
        {
            _page = (int*)page;
            return;
        }
        var errno = Errno.Last;
        File.Dispose();
        throw new SyscallException("mmap", errno, "the page for a pid");
    }

    /// <summary>The memfd, to be passed to the stub.</summary>
    public Fd File { get; }

    /// <summary>In our namespace; 0 before the second clone.</summary>
    public int Pid => Volatile.Read(ref *_page);

    /// <summary>Adds the steps that map it in the stub.</summary>
    /// <param name="number">The number of <see cref="File"/> there; the caller closes it.</param>
    public static void Map(LaunchProgram program, int number)
    {
        program.Add(Syscall.mmap, "the page for a pid", (long)Address, Size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
            number, 0);
        program.Add(Syscall.madvise, "the page for a pid", (long)Address, Size, MADV_DONTFORK);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = munmap(_page, Size);
        File.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int fd, nint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, nint offset);

    [LibraryImport("libc")]
    private static partial int munmap(void* address, nuint length);
}
