using Tmds.Linux;


namespace Supervisor.Kernel.Abi;

/// <summary>
/// Flags of open(2) and openat2(2). Values of x86-64; <see cref="OpenFlagsExtensions.ToKernel"/> gives the running machine's.
/// </summary>
[Flags]
public enum OpenFlags
{
#pragma warning disable CS1591 // The kernel's own names; open(2) says what each means.
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_CREAT = 0x40,
    O_EXCL = 0x80,
    O_NOCTTY = 0x100,
    O_TRUNC = 0x200,
    O_APPEND = 0x400,
    O_NONBLOCK = 0x800,
    O_DIRECTORY = 0x10000,
    O_NOFOLLOW = 0x20000,
    O_CLOEXEC = 0x80000,
    O_PATH = 0x200000,
#pragma warning restore CS1591
}

/// <summary>The two flags whose values differ between machines.</summary>
public static class OpenFlagsExtensions
{
    extension(OpenFlags flags)
    {
        /// <summary>The value of these flags on this machine.</summary>
        public int ToKernel()
        {
            var common = (int)(flags & ~(OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW));
            if (flags.HasFlag(OpenFlags.O_DIRECTORY)) common |= LibC.O_DIRECTORY;
            if (flags.HasFlag(OpenFlags.O_NOFOLLOW)) common |= LibC.O_NOFOLLOW;
            return common;
        }
    }
}
