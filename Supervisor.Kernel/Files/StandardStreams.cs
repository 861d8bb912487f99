using Supervisor.Kernel.Abi;
using Tmds.Linux;

namespace Supervisor.Kernel.Files;

/// <summary>
/// The three standard streams. Where the caller closed one, the next open would get its number: a journal's file would receive
/// what is printed, and a random source be read as input.
/// </summary>
public static class StandardStreams
{
    private static readonly bool[] Missing = new bool[3];
    private static readonly List<Fd> Held = []; // until the process exits

    /// <summary>Opens /dev/null for each missing stream. To be called before anything else is opened.</summary>
    /// <remarks>
    /// The .NET runtime may have opened something before; its descriptors are close-on-exec, and those of a caller never are.
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

    /// <summary>Whether the caller did not provide this stream; its number may refer to another file.</summary>
    public static bool IsMissing(int number) => Missing[number];
}
