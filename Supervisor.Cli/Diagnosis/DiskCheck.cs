using Supervisor.Cli.Output;
using Supervisor.Kernel.Files;

namespace Supervisor.Cli.Diagnosis;

/// <summary>Whether the file system of a directory has space for more files.</summary>
internal static class DiskCheck
{
    private const ulong LeastBytes = 64 << 20, LeastInodes = 1000;

    public static Finding Examine(string check, string directory)
    {
        try
        {
            var free = FreeSpace.Of(directory);
            var said = $"{directory}: {Size.Of(free.Bytes)} of {Size.Of(free.TotalBytes)} free"
                + (free.TotalInodes > 0 ? $", {free.Inodes} of {free.TotalInodes} inodes" : "");
            return free.Bytes < LeastBytes || free.TotalInodes > 0 && free.Inodes < LeastInodes
                ? Finding.Fault(check, said, "free some space there: nothing can be created when it is full")
                : Finding.Ok(check, said);
        }
        catch (IOException) when (!Directory.Exists(directory))
        {
            return Finding.Ok(check, $"{directory} does not exist: no daemon has used it");
        }
        catch (IOException e)
        {
            return Finding.Unknown(check, e.Message, "run this as root");
        }
    }
}
