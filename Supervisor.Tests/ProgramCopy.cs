using System.Diagnostics;

namespace Supervisor.Tests;

/// <summary>
/// Copies of programs that a test runs. Another process writes them: a child that this process clones in the meantime would hold
/// the descriptor being written, and until its own exec the copy could not be executed (ETXTBSY).
/// </summary>
internal static class ProgramCopy
{
    public static void Make(string from, string to)
    {
        using var copying = Process.Start("cp", [from, to]);
        copying.WaitForExit();
        Assert.Equal(0, copying.ExitCode);
    }

    public static void OfBusybox(string to) => Make("/bin/busybox", to);
}
