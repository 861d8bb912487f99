using Supervisor.Kernel.Abi;
using Tmds.Linux;

namespace Supervisor.Kernel.Files;

/// <summary>
/// The three streams that a program expects to have. Where the caller has closed one, its number would be given to whatever is
/// opened
/// next: a journal's file would get what is printed, and a random source be read as input.
/// </summary>
public static class StandardStreams
{
    private static readonly bool[] Missing = new bool[3];
    private static readonly List<Fd> Held = []; // as long as we live

    /// <summary>Puts the null device in the place of those that are missing. To be called before anything is opened.</summary>
    /// <remarks>
    /// The runtime may have opened something before us; its descriptors are close-on-exec, and those of a caller never are.
    /// </remarks>
    public static void FillMissing()
    {
        const int F_GETFD = 1, FD_CLOEXEC = 1;
        for (var number = 0; number < Missing.Length; number++)
        {
            var flags = LibC.fcntl(number, F_GETFD, 0);
            Missing[number] = flags < 0 || (flags & FD_CLOEXEC) != 0;
            if (flags < 0) Held.Add(Fd.Open("/dev/null", OpenFlags.O_RDWR)); // the lowest free number
        }
    }

    /// <summary>The caller gave us none; another file may have its number.</summary>
    public static bool IsMissing(int number) => Missing[number];
}
