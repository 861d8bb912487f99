using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>Replaces the shim's executable; the next daemon makes the shim execute the new file.</summary>
internal static class ShimUpgrade
{
    public static void Replace(string executable)
    {
        ProgramCopy.Make(Path.Join(Repository.Bin, "supervisor-shim"), executable + ".new");
        File.Move(executable + ".new", executable, overwrite: true);
    }

    /// <summary>Waits until the shim, the same process, runs it.</summary>
    public static async Task DoneAsync(int shim, string executable)
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience; new FileInfo($"/proc/{shim}/exe").LinkTarget != executable;
            await Task.Delay(20))
            Assert.True(DateTime.UtcNow < end, "the shim still runs the old file");
    }
}
