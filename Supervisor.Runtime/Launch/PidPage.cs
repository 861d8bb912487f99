using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// A page that we share with a first child in the stub: there the kernel itself puts the pid of the second (CLONE_PARENT_SETTID),
/// before that runs. So the pid is known whatever becomes of either, and nobody in the container can have written it: the second
/// has no such page (MADV_DONTFORK), and the first is in no pid namespace of a container.
/// </summary>
internal sealed unsafe partial class PidPage : IDisposable
{
    /// <summary>Where the stub has it: below all that is its own.</summary>
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

    /// <summary>To be passed to the stub.</summary>
    public Fd File { get; }

    /// <summary>In our namespace; 0 while there was no second birth.</summary>
    public int Pid => Volatile.Read(ref *_page);

    /// <summary>Adds the steps by which the stub gets it.</summary>
    /// <param name="number">Of <see cref="File"/> there; still to be closed.</param>
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
